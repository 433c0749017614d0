"""Whether the artifacts of a run have the content that the committed records say: compared file by file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml


def main(folders: list[str]) -> int:
    """Print what differs; return 0 if nothing does."""
    names = subprocess.run(
        ["git", "ls-files", *[f"{folder}/**.dvc" for folder in folders]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    different = []
    versions = set()
    for name in names:
        committed = subprocess.run(
            ["git", "show", f"HEAD:{name}"], capture_output=True, text=True, check=True
        ).stdout
        before, made = yaml.safe_load(committed), yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        if made["outs"][0]["md5"] != before["outs"][0]["md5"]:
            different.append(name)
        then, now = (record["meta"]["environment"] for record in (before, made))
        versions |= {
            f"{each} was {then.get(each)}, is {now[each]}" for each in now if now[each] != then.get(each)
        }
    print(f"{len(names) - len(different)} of {len(names)} artifacts have the same bytes")
    print("\n".join(different))
    if versions:  # another version of a library rounds otherwise
        print("Other versions:", *sorted(versions), sep="\n  ")
    return 1 if different or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
