"""The ledger's commands: where a number comes from, whether it still holds, what a run would do.

python scripts/ledger.py audit results/nano/detection_auc.json
python scripts/ledger.py --help
"""

import signal
import sys

if __name__ == "__main__":
    from forewarn.ledger.commands import main

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `ledger.py audit ... | head` ends in silence
    sys.exit(main(sys.argv[1:]))
