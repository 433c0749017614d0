#!/usr/bin/env bash
# The whole study of nano through a real Slurm on this machine, held against the records of the study in the
# repository: the same bytes? Takes about as long as `make demo`. Needs root; see cluster.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=${1:-$(mktemp -d)}
make --silent environment
git clone --quiet . "$folder/forewarn"
trap 'tests/slurm/cluster.sh stop' EXIT
tests/slurm/cluster.sh start
python=$PWD/.venv/bin/python
cd "$folder/forewarn"
"$python" -m snakemake --profile profiles/slurm --workflow-profile none \
  --slurm-status-command squeue --slurm-init-seconds-before-status-checks 3 nano
# Records of today against those that were committed: every artifact must have kept its content.
"$python" tests/slurm/same_bytes.py results/nano results/judges
