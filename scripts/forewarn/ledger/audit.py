"""Where a number comes from: the tree of jobs behind an artifact, from records alone.

Nothing is pulled and nothing computed: the records are in git, of today and of every older commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forewarn.ledger.record import Making, Record
from forewarn.ledger.revision import record_of


def audit(target: str, records: dict[str, Record]) -> dict[str, Any]:
    """Everything behind a target.

    Args:
        target: path of an artifact.
        records: of one revision.

    Returns:
        `target`, its `md5` and `size`; `jobs`, each once, makers before readers: all of `Making`, with `md5`
        of each output and, under `broken`, inputs that today's records know with other contents; `files`:
        path and md5 of what no job makes, the user's files; `seconds`: all jobs together.

    Raises:
        StudyError: the target has no record.
    """
    record = record_of(target, records)
    jobs: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    waiting: list[tuple[Record, bool]] = [(record, False)]
    while waiting:
        here, is_second_visit = waiting.pop()
        key = here.making.outputs[0]
        if key in jobs:
            continue
        if is_second_visit:  # all that it reads has been listed
            jobs[key] = _job(here.making, records)
            continue
        waiting.append((here, True))
        for path, md5 in reversed(here.making.inputs.items()):
            if path in records:
                waiting.append((records[path], False))
            else:
                files[path] = md5
    return {
        "target": record.path,
        "md5": record.md5,
        "size": record.size,
        "jobs": list(jobs.values()),
        "files": dict(sorted(files.items())),
        "seconds": round(sum(job["seconds"] for job in jobs.values()), 1),
    }


def as_text(found: dict[str, Any]) -> Iterator[str]:
    """What `audit` found, as an indented tree; a job is told once and referred to after that.

    What most jobs share (commit, environment, device) stands at the top; with a job, where it differs.
    """
    jobs = {path: job for job in found["jobs"] for path in job["outputs"]}
    shared = {name: _commonest(found["jobs"], name) for name in ("commit", "dirty", "device", "environment")}
    yield f"{found['target']}  md5 {found['md5']}, {found['size']} bytes"
    yield f"  {len(found['jobs'])} jobs, {found['seconds']:.0f} s of computation"
    yield f"  commit {_commit(shared)}, {shared['device']}, {_versions(shared['environment'])}"
    told: set[str] = set()
    yield from _tree(found["target"], "", jobs, found["files"], shared, told)


def _tree(
    path: str,
    indent: str,
    jobs: dict[str, Any],
    files: dict[str, str],
    shared: dict[str, Any],
    told: set[str],
) -> Iterator[str]:
    if path not in jobs:
        yield f"{indent}{path}  md5 {files.get(path, '?')[:8]}, a file of yours"
        return
    job = jobs[path]
    if job["outputs"][0] in told:
        yield f"{indent}{path}  (told above)"
        return
    told.add(job["outputs"][0])
    yield f"{indent}{path}  md5 {job['md5'][path][:8]}"
    seed = "" if job["seed"] is None else f", seed {job['seed']}"
    yield (
        f"{indent}  {job['rule']}{seed}, {job['start']}, {job['seconds']:.1f} s, {job['memory_mb']:.0f} MB,"
        f" code {job['script']} and {len(job['code']) - 1} modules"
    )
    for name, value in _flat(job["params"]):
        yield f"{indent}    {name}: {value}"
    for name, value in _flat(job["found"]) if job["found"] else ():
        yield f"{indent}    found {name}: {value}"
    differs = {name: job[name] for name in ("commit", "dirty") if job[name] != shared[name]}
    if differs:
        yield f"{indent}    commit {_commit(job)}"
    if job["device"] != shared["device"]:
        yield f"{indent}    {job['device']}"
    odd = {name: v for name, v in job["environment"].items() if shared["environment"].get(name, v) != v}
    if odd:
        yield f"{indent}    {_versions(odd)}"
    for entry in job["accepted"]:
        yield f"{indent}    ACCEPTED by {entry['who']} on {entry['when']}: {entry['why']}"
        for changed in entry["code"]:
            yield f"{indent}      {changed} had changed"
    for changed in job["broken"]:
        yield f"{indent}    BROKEN: {changed} has other contents now"
    for read in job["inputs"]:
        yield from _tree(read, indent + "  | ", jobs, files, shared, told)


def _job(making: Making, records: dict[str, Record]) -> dict[str, Any]:
    broken = [path for path, md5 in making.inputs.items() if path in records and records[path].md5 != md5]
    md5 = {path: records[path].md5 for path in making.outputs if path in records}
    return {**vars(making), "md5": md5, "broken": broken}


def _commonest(jobs: list[dict[str, Any]], name: str) -> Any:
    """What most jobs say; of environments, what most say of each package."""
    if name == "environment":
        packages = {package for job in jobs for package in job[name]}
        return {
            package: _mode([job[name][package] for job in jobs if package in job[name]])
            for package in sorted(packages)
        }
    return _mode([job[name] for job in jobs])


def _mode(values: list[Any]) -> Any:
    return max(values, key=values.count)


def _commit(job: dict[str, Any]) -> str:
    return (
        f"{(job['commit'] or 'none')[:10]}{' with changes that were not committed' if job['dirty'] else ''}"
    )


def _versions(environment: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in environment.items())


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    else:
        yield name, value
