"""The provenance of a study as an RO-Crate (researchobject.org/ro-crate), for those who have other tools.

Artifacts are files, jobs are actions that a script was the instrument of. No data is copied: a file is known
by its md5, by which DVC brings it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.ledger.record import Making, Record


def export(records: dict[str, Record], folder: Path, *, name: str) -> None:
    """Write `ro-crate-metadata.json` into a folder that is empty or does not exist.

    Args:
        records: of the study, by path.
        folder: of the crate.
        name: of the study, for its title.

    Raises:
        StudyError: there is nothing to export, or the folder has something in it.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    if not records:
        raise StudyError(f"{name} has no records", "run the study first, or name another")
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(f"{folder} is not empty", "name a new folder: --output FOLDER")
    crate = ROCrate()
    crate.name = f"Provenance of the study {name}"
    crate.description = "Artifacts, and the jobs that made them, from the records beside the artifacts."
    crate.datePublished = datetime.fromisoformat(max(record.making.start for record in records.values()))
    seen: dict[str, Any] = {}

    def entity(key: str, kind: str, **properties: Any) -> Any:
        if key not in seen:
            seen[key] = crate.add(ContextEntity(crate, key, properties={"@type": kind, **properties}))
        return seen[key]

    def file(path: str, md5: str) -> Any:
        known = records.get(path)
        size = {"contentSize": str(known.size)} if known and known.md5 == md5 else {}
        # one entity per content: an input that has changed since is another file than today's
        key = f"#{path}" if known is None or known.md5 == md5 else f"#{path}@{md5}"
        return entity(key, "MediaObject", name=path, identifier=f"md5:{md5}", **size)

    jobs = {record.making.outputs[0]: record.making for record in records.values()}
    for first, making in sorted(jobs.items()):
        outputs = [file(path, records[path].md5) for path in making.outputs if path in records]
        action = entity(f"#job/{first}", "CreateAction", **_action(making))
        action["object"] = [file(path, md5) for path, md5 in sorted(making.inputs.items())]
        action["result"] = outputs
        action["instrument"] = entity(
            f"#code/{making.script}@{making.code[making.script]}", "SoftwareSourceCode",
            name=making.script, identifier=f"md5:{making.code[making.script]}",
        )  # fmt: skip
        crate.root_dataset.append_to("mentions", action)
        for output in outputs:
            crate.root_dataset.append_to("mentions", output)
    crate.write(folder)


def _action(making: Making) -> dict[str, Any]:
    start = datetime.fromisoformat(making.start)
    return {
        "name": making.rule,
        "description": "; ".join(
            [
                *(f"{name} {version}" for name, version in making.environment.items()),
                f"device {making.device}",
                f"commit {making.commit}{' (changed)' if making.dirty else ''}",
                *(f"accepted by {entry['who']}: {entry['why']}" for entry in making.accepted),
            ]
        ),
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(seconds=making.seconds)).isoformat(),
    }
