"""What the ledger costs: 1,000 artifacts, two of them of 1 GB, restored when the workflow is parsed.

    python tests/bench/ledger.py

Prints how long the restore takes the first time after a clone (every file is hashed) and from then on, and
how much longer a dry run takes with the ledger than without, both measured in turns.
"""

from __future__ import annotations

import hashlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
JOBS = 500
LARGE = 10**9
ROUNDS = 5

SNAKEFILE = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(SCRIPTS)!r})
from forewarn.ledger.index import Index
from forewarn.ledger.params import job_mapping
from forewarn.ledger.restore import restore

CODE = {{"scripts/step.py": "0"}}
mapping = lambda wildcards: job_mapping("scripts/step.py", CODE, {{"number": int(wildcards.i)}})

rule all:
    default_target: True
    input: [f"results/m/second/{{i}}.txt" for i in range({JOBS})]
rule first:
    output: "results/m/first/{{i}}.txt"
    params: job=mapping
    script: "scripts/step.py"
rule second:
    input: "results/m/first/{{i}}.txt"
    output: "results/m/second/{{i}}.txt"
    params: job=mapping
    script: "scripts/step.py"

if os.environ.get("WITH_LEDGER"):
    begin = time.perf_counter()
    with Index() as index:
        restore(Path("results"), lambda path: True, lambda making: None, index)
    print(f"restore {{time.perf_counter() - begin:.3f}} s", file=sys.stderr)
"""


def main() -> None:
    """Build the study, then measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        first = dry_run(folder, ledger=True)[1]
        print(f"first restore, {2 * JOBS} artifacts and {2 * LARGE / 1e9:.0f} GB hashed: {first:.2f} s")
        times: dict[bool, list[float]] = {True: [], False: []}
        restores = []
        for _ in range(ROUNDS):
            for ledger in (False, True):
                seconds, restored = dry_run(folder, ledger=ledger)
                times[ledger].append(seconds)
                restores += [restored] if ledger else []
        plain, booked = (statistics.median(times[ledger]) for ledger in (False, True))
        print(f"restore from then on: {statistics.median(restores):.2f} s")
        ratio = f"{booked / plain:.2f} times as long"
        print(f"dry run: {plain:.2f} s without, {booked:.2f} s with the ledger: {ratio}")


def build(folder: Path) -> None:
    """Artifacts with records, as after a clone and a pull."""
    sys.path.insert(0, str(SCRIPTS))
    from forewarn.ledger.record import Making, Record, write_record

    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "scripts").mkdir()
    (folder / "scripts/step.py").touch()
    os.chdir(folder)
    hashes: dict[str, str] = {}
    for rule, above in (("first", None), ("second", "first")):
        for number in range(JOBS):
            path = Path(f"results/m/{rule}/{number}.txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{rule} {number}")
            if number == 0:
                os.truncate(path, LARGE)
            with path.open("rb") as file:
                hashes[str(path)] = hashlib.file_digest(file, "md5").hexdigest()
            read = f"results/m/{above}/{number}.txt"
            making = Making(
                rule=rule, script="scripts/step.py", wildcards={"i": str(number)}, params={"number": number},
                code={"scripts/step.py": "0"}, inputs={read: hashes[read]} if above else {},
                outputs=[str(path)], log=[], seed=None, environment={"python": "3"}, device="cpu", threads=1,
                commit=None, dirty=False, start="2026-01-01T00:00:00+00:00", seconds=1.0, memory_mb=1.0,
            )  # fmt: skip
            write_record(Record(str(path), hashes[str(path)], path.stat().st_size, making))


def dry_run(folder: Path, *, ledger: bool) -> tuple[float, float]:
    """Seconds of a dry run, and of the restore in it."""
    environment = {name: value for name, value in os.environ.items() if name != "WITH_LEDGER"}
    environment |= {"WITH_LEDGER": "1"} if ledger else {}
    triggers = ["--rerun-triggers", "mtime", "params", "input"]
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *triggers]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begin
    said = done.stdout + done.stderr
    if "Nothing to be done" not in said:
        raise SystemExit(f"the study is not restored:\n{said[-2000:]}")
    restored = re.search(r"restore ([\d.]+) s", said)
    return seconds, float(restored[1]) if restored else 0.0


if __name__ == "__main__":
    main()
