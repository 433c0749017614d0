"""How well a study's run used the machine: the time of its jobs against its wall time.

Reads the benchmark files that Snakemake wrote beside the run, so it costs nothing and speaks of the very
run that made the results:

    python tests/bench/demo.py [benchmarks/nano]

The wall time reaches from the start of the first job to the end of the last. If the run was interrupted, or
some jobs ran again later, it covers the pause and the ratio says little.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path


def jobs(folder: Path) -> list[tuple[str, float, float, float]]:
    """Per job: its name, start and end (seconds since the epoch), CPU seconds."""
    found = []
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(newline="") as file:
            row = list(csv.DictReader(file, delimiter="\t"))[-1]
        end = path.stat().st_mtime
        cpu = float(row["cpu_time"]) if row["cpu_time"] not in ("", "NA", "-") else 0.0
        found.append((str(path.relative_to(folder).with_suffix("")), end - float(row["s"]), end, cpu))
    return found


def main() -> None:
    """Print the ratio and the longest jobs."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/nano")
    found = jobs(folder)
    if not found:
        sys.exit(f"{folder} holds no benchmark of a run; run `make demo` first")
    wall = max(end for _, _, end, _ in found) - min(start for _, start, _, _ in found)
    busy = sum(end - start for _, start, end, _ in found)
    cpu = sum(seconds for *_, seconds in found)
    ratio = f"{busy / wall:.2f} x"
    print(f"{folder}: {len(found)} jobs, {busy:.0f} s of jobs in {wall:.0f} s of wall time: {ratio}")
    print(f"  CPU time of the jobs: {cpu:.0f} s, {cpu / wall:.2f} per second of wall time")
    for name, start, end, _ in sorted(found, key=lambda job: job[1] - job[2])[:8]:
        print(f"  {end - start:6.1f} s  {name}")


if __name__ == "__main__":
    main()
