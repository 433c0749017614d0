"""The command line of the ledger: it reads files, asks Snakemake and prints; others do the thinking."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.ledger.accept import accept
from forewarn.ledger.audit import as_text, audit
from forewarn.ledger.cache import keep
from forewarn.ledger.environment import device, live_versions
from forewarn.ledger.export import export
from forewarn.ledger.index import Index
from forewarn.ledger.memo import find
from forewarn.ledger.plan import plan
from forewarn.ledger.present import planned, present
from forewarn.ledger.publish import LIMIT, STORE, chosen, compare, publish
from forewarn.ledger.record import SUFFIX, Record, write_record
from forewarn.ledger.revision import RESULTS, record_of, records_at
from forewarn.ledger.times import as_lines, times
from forewarn.ledger.verify import Finding, has_failed, verify


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        with Index() as index:
            return int(options.run(options, index))
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1


def _audit(options: argparse.Namespace, _: Index) -> int:
    found = audit(options.target, records_at(options.rev))
    _show(found if options.json else "\n".join(as_text(found)))
    return 0


def _verify(options: argparse.Namespace, index: Index) -> int:
    records = records_at()
    files = [
        str(path) for path in sorted(RESULTS.rglob("*"))
        if path.is_file() and path.suffix != SUFFIX and str(path) not in records
    ]  # fmt: skip
    now = present([*records, *files], options.configfile)
    findings = verify(records, files, now, lambda path: _md5(path, index), _environment)
    if options.targets:
        findings = [finding for finding in findings if finding.path.startswith(tuple(options.targets))]
    _show([asdict(finding) for finding in findings] if options.json else _lines(findings, options.all))
    return int(has_failed(findings, strict=options.strict))


def _plan(options: argparse.Namespace, index: Index) -> int:
    pending = planned(options.target, options.configfile)
    steps = plan(
        pending, present(list(pending), options.configfile), records_at(),
        lambda path: _md5(path, index), lambda making: find(making) is not None,
    )  # fmt: skip
    if options.json:
        _show([asdict(step) for step in steps])
        return 0
    for step in steps:
        time = "never ran" if step.seconds is None else f"{step.seconds:.1f} s last time"
        print(f"{step.rule}: {', '.join(step.outputs)} ({'from the memo' if step.from_memo else time})")
        for reason in step.why:
            print(f"    {reason}")
    known = [step.seconds for step in steps if step.seconds is not None and not step.from_memo]
    memo, new = sum(step.from_memo for step in steps), sum(step.seconds is None for step in steps)
    print(f"{len(steps)} jobs: {memo} from the memo, {new} never ran, the others took {sum(known):.0f} s")
    return 0


def _accept(options: argparse.Namespace, index: Index) -> int:
    def content_of(path: str) -> tuple[str, int] | None:
        md5 = _md5(path, index)
        return None if md5 is None else (md5, Path(path).stat().st_size)

    who = options.who or _user()
    when = datetime.now(UTC).isoformat(timespec="seconds")
    records = records_at()
    outputs = [path for target in options.targets for path in record_of(target, records).making.outputs]
    now = present(outputs, options.configfile)
    done: set[str] = set()
    for target in options.targets:
        if target in done:  # accepted with another output of the same job
            continue
        for record in accept(target, records, now, content_of, who=who, when=when, why=options.why):
            if Path(record.path).exists():
                keep(Path(record.path), record.md5)
            write_record(record)
            records[record.path] = record
            done.add(record.path)
            print(f"accepted {record.path}")
    return 0


def _export(options: argparse.Namespace, _: Index) -> int:
    below = {path: record for path, record in records_at().items() if path.startswith(f"{options.folder}/")}
    export(below, Path(options.output), name=Path(options.folder).name)
    print(f"{options.output}: {len(below)} artifacts")
    return 0


def _publish(options: argparse.Namespace, _: Index) -> int:
    records = chosen(
        records_at().values(), f"{options.folder}/", options.without, options.private, options.also
    )
    if options.check:
        difference = compare(records)
        for record in difference.lacking:
            print(f"lacking      {record.path}")
        for path in difference.superfluous:
            print(f"superfluous  {path}")
        return int(bool(difference) or not records)
    changed = publish(records, limit=options.limit * 10**6)
    total = sum({record.md5: record.size for record in records}.values())
    print(f"{STORE}: {len(records)} artifacts, {total / 1e6:.1f} MB;"
          f" {len(changed.lacking)} new, {len(changed.superfluous)} removed")  # fmt: skip
    return 0


def _times(options: argparse.Namespace, _: Index) -> int:
    _show("\n".join(as_lines(times(options.targets, options.beyond, records_at()))))
    return 0


def _md5(path: str, index: Index) -> str | None:
    return index.md5(Path(path)) if Path(path).is_file() else None


def _environment(record: Record) -> tuple[dict[str, str], str]:
    names = record.making.environment
    return live_versions(names), device(names)


def _user() -> str:
    done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
    if not (name := done.stdout.strip()):
        raise StudyError("git does not know your name", 'say who accepts: --who "..."')
    return name


def _lines(findings: list[Finding], everything: bool) -> str:
    lines = []
    for finding in findings:
        if everything or finding.status != "MATCH":
            lines.append(f"{finding.status:9}{finding.path}")
            lines += [f"         {reason}" for reason in finding.why]
    counts = dict.fromkeys(("MATCH", "DRIFT", "STALE", "TAMPERED", "MISSING", "UNKNOWN"), 0)
    for finding in findings:
        counts[finding.status] += 1
    return "\n".join([*lines, ", ".join(f"{n} {status}" for status, n in counts.items() if n) or "nothing"])


def _show(found: Any) -> None:
    print(found if isinstance(found, str) else json.dumps(found, indent=2, ensure_ascii=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ledger.py", description=(__doc__ or "").partition(":")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, about: str, *, workflow: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        if workflow:
            added.add_argument("--configfile", nargs="+", default=[], help="overlays, as given to snakemake")
        return added

    one = command("audit", _audit, "the tree of jobs behind an artifact, from git alone", workflow=False)
    one.add_argument("target")
    one.add_argument("--rev", help="a commit, branch or tag; the working tree by default")
    one.add_argument("--json", action="store_true")
    one = command("verify", _verify, "whether artifacts match their records, and records the present")
    one.add_argument("targets", nargs="*", help="paths or their beginnings; all by default")
    one.add_argument("--all", action="store_true", help="name those that match too")
    one.add_argument("--strict", action="store_true", help="fail on DRIFT and MISSING as well")
    one.add_argument("--json", action="store_true")
    one = command("plan", _plan, "what a run would do, why, and how long it took last time")
    one.add_argument("target")
    one.add_argument("--json", action="store_true")
    one = command("accept", _accept, "keep results although their code, or their content, has changed")
    one.add_argument("targets", nargs="+")
    one.add_argument("--why", required=True)
    one.add_argument("--who", help="git's user.name by default")
    one = command("times", _times, "how long the jobs behind targets took", workflow=False)
    one.add_argument("targets", nargs="+")
    one.add_argument("--beyond", nargs="*", default=[], help="targets whose jobs do not count")
    one = command("export", _export, "the provenance of a study as an RO-Crate", workflow=False)
    one.add_argument("folder", help="of the study, e.g. results/nano")
    one.add_argument("--output", required=True, help="folder of the crate; must be new or empty")
    one = command("publish", _publish, "bring the remote inside the repository up to date", workflow=False)
    one.add_argument("folder", help="of the study, e.g. results/nano")
    one.add_argument(
        "--also", nargs="+", default=[], help="patterns of paths elsewhere, without what they were made from"
    )
    one.add_argument("--without", nargs="+", default=[], help="patterns of paths to leave out")
    one.add_argument(
        "--private", nargs="+", default=[], help="the same, and what was made straight from them"
    )
    one.add_argument("--limit", type=int, default=LIMIT // 10**6, help="of the store, in MB")
    one.add_argument("--check", action="store_true", help="change nothing; fail if there is a difference")
    return parser
