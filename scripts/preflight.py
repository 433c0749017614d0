"""Can the study of a model run here? Asks the hub, the disk, the device and the environment.

python scripts/preflight.py qwen1.5b
python scripts/preflight.py my_model --configfile my_study.yaml
"""

import argparse
import sys


def main(arguments: list[str]) -> int:
    """Print what was found; the exit status is 1 if there is a problem."""
    from forewarn.config import load_configuration, overlaid
    from forewarn.errors import StudyError
    from forewarn.job import start_log
    from forewarn.preflight import preflight

    parser = argparse.ArgumentParser(description="Can the study of a model run here?")
    parser.add_argument("model", help="a name under studies in the configuration")
    parser.add_argument(
        "--configfile", nargs="*", default=[], help="laid over config.yaml, as Snakemake does"
    )
    options = parser.parse_args(arguments)
    start_log(None)
    try:
        configuration = load_configuration(overlaid(["config.yaml", *options.configfile]))
        findings = preflight(configuration, options.model)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, findings)))
    return int(any(finding.state == "problem" for finding in findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
