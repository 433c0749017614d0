"""Before a run: hold every artifact against its record, and tell Snakemake what the records say.

After `git clone` and `dvc pull`, or a change of branch, Snakemake knows nothing of the files it finds, or
remembers others. Records say what each file is and how it was made. So what matches its record gets the
metadata that Snakemake would have written, and times in the order of the making; what does not match stops
the run, with its name and the ways out. Whether anything has to run is then Snakemake's own decision.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from forewarn.errors import StudyError
from forewarn.ledger.index import Index
from forewarn.ledger.memo import remember
from forewarn.ledger.record import SUFFIX, Making, Record, read_record, record_path
from forewarn.ledger.snakemake_metadata import STATE, expected, is_unfinished, settle_metadata

SHOWN = 5
"""Complaints that are shown; the rest is counted."""


@dataclass
class Found:
    """What lies in the folder of results.

    Attributes:
        records: by path of the artifact.
        files: what `stat` says of every other file, by path.
    """

    records: dict[str, Record] = field(default_factory=dict)
    files: dict[str, os.stat_result] = field(default_factory=dict)


def look(results: Path, index: Index) -> Found:
    """Read all records and list all files below a folder."""
    found = Found()
    for entry in _walk(results):
        if entry.name.endswith(SUFFIX):
            content = index.fact("record", Path(entry.path), _record, entry.stat())
            if content is not None:
                record = Record.from_json(content)
                found.records[record.path] = record
        else:
            found.files[entry.path] = entry.stat()
    return found


def restore(
    results: Path,
    is_output: Callable[[str], bool],
    benchmark_of: Callable[[Making], str | None],
    index: Index,
    *,
    environment_counts: bool = False,
) -> Found:
    """Bring Snakemake's metadata and the files' times in line with the records.

    Args:
        results: the folder of artifacts, relative to the project.
        is_output: whether some rule makes the file of this path.
        benchmark_of: the benchmark file of a job, which Snakemake takes for one of its outputs.
        index: what is known of files already.
        environment_counts: whether other package versions, or another device, are a reason to run again.

    Raises:
        StudyError: a file is not what its record says, or has none although a rule makes it.
    """
    found = look(results, index)
    if found.records:  # without this folder, Snakemake takes the metadata for those of an old version
        (STATE / "incomplete").mkdir(parents=True, exist_ok=True)
    unfinished = {path for path in {*found.records, *found.files} if is_unfinished(path)}
    _check(found, unfinished, is_output, index)
    stale = {path: changed_inputs(record, found, index) for path, record in found.records.items()}
    left_out = {path for path, inputs in stale.items() if inputs} | unfinished
    times = _settle_times(found, left_out, benchmark_of, index)
    for path, record in found.records.items():
        if path in unfinished:
            continue
        time = times.get(path, 0) / 1e9
        wanted = expected(record.making, time, stale[path], environment_counts=environment_counts)
        if settle_metadata(path, wanted, index):
            _remember(record, found)
    return found


def changed_inputs(record: Record, found: Found, index: Index) -> list[str]:
    """Inputs whose contents are known, and are not those that the record names.

    An artifact that is not there is known by its record; a file of the user's that is not there is not.
    """
    changed = []
    for path, md5 in record.making.inputs.items():
        if path in found.records:
            now: str | None = found.records[path].md5
        else:
            now = index.md5(Path(path)) if Path(path).is_file() else None
        if now is not None and now != md5:
            changed.append(path)
    return changed


def _check(found: Found, unfinished: set[str], is_output: Callable[[str], bool], index: Index) -> None:
    """Stop the run at files that are not what their records say, and at those that have none."""
    wrong = []
    for path, status in found.files.items():
        if path in unfinished:  # Snakemake makes it anew
            continue
        record = found.records.get(path)
        if (record is None or not _matches(record, status, index)) and (now := _just_made(path, index)):
            found.records[path] = record = now
            status = Path(path).stat()
        if record is not None:
            md5 = index.md5(Path(path), status) if status.st_size == record.size else None
            if md5 != record.md5:
                is_now = md5 or f"{status.st_size} bytes"
                expected = record.md5 if md5 else f"{record.size} bytes"
                wrong.append(f"{path} is not what its record says: expected {expected}, found {is_now}")
        elif is_output(path):
            wrong.append(f"{path} has no record: nothing says what made it")
    if not wrong:
        return
    more = f"\n(and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
    index.save()
    raise StudyError(
        "\n".join(wrong[:SHOWN]) + more,
        "`dvc checkout FILE` takes back the content of the record (`dvc pull FILE`, if it is not here);\n"
        "  after a change of branch, `dvc checkout` does so for all; `python scripts/ledger.py accept FILE`\n"
        "  keeps what lies there, and the record says so; or delete the file, and it is made anew",
    )


def _matches(record: Record, status: os.stat_result, index: Index) -> bool:
    return status.st_size == record.size and index.md5(Path(record.path), status) == record.md5


def _just_made(path: str, index: Index) -> Record | None:
    """The record of a file that a job beside this process finished since its folder was listed."""
    if not record_path(path).exists():
        return None
    record = read_record(record_path(path))
    return record if record and index.md5(Path(path)) == record.md5 else None


def _settle_times(
    found: Found, left_out: set[str], benchmark_of: Callable[[Making], str | None], index: Index
) -> dict[str, int]:
    """See that no artifact is older than what it was made from; return the times by path, in nanoseconds.

    DVC sets the times of what it checks out, and Snakemake makes anew what is older than its inputs.
    """
    times: dict[str, int] = {}

    def time_of(path: str) -> int:
        if path in times:
            return times[path]
        status, record = found.files.get(path), found.records.get(path)
        if status is None and record is None:
            return Path(path).stat().st_mtime_ns if Path(path).exists() else 0
        times[path] = own = status.st_mtime_ns if status else 0
        if record is None or path in left_out:
            return own
        settled = max([own, *(time_of(name) for name in record.making.inputs)])
        if status and settled > own:
            os.utime(path, ns=(settled, settled))
            index.moved_in_time(Path(path))
        benchmark = Path(benchmark_of(record.making) or "")
        if benchmark.is_file() and benchmark.stat().st_mtime_ns < settled:
            os.utime(benchmark, ns=(settled, settled))
        times[path] = settled
        return settled

    for path in found.records:
        time_of(path)
    return times


def _remember(record: Record, found: Found) -> None:
    """Let what others computed, and DVC brought, count as computed."""
    records = [found.records.get(path) for path in record.making.outputs]
    whole = [record for record in records if record is not None]
    if len(whole) == len(records) and all(other.making == record.making for other in whole):
        remember(whole)


def _record(path: Path) -> dict[str, object] | None:
    record = read_record(path)
    return record.to_json() if record else None


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif entry.is_file():
                yield entry
