"""Snakemake's own metadata of an output, as its file backend keeps it in `.snakemake/metadata`.

Written only where it is missing or says something else than the record. This is the one place that knows the
format; `FORMAT` is the version that the supported releases write, and a test holds both against the installed
Snakemake.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from forewarn.files import replacing
from forewarn.ledger.index import Index
from forewarn.ledger.params import as_snakemake_keeps_it, environment_mapping, job_mapping
from forewarn.ledger.record import Making

FORMAT = 6
STATE = Path(".snakemake")
NO_SOFTWARE_STACK = "d41d8cd98f00b204e9800998ecf8427e"  # md5 of nothing: no conda, no container
COMPARED = ("rule", "input", "log", "params", "record_format_version")


def metadata_path(output: str, folder: str = "metadata") -> Path:
    """Where Snakemake keeps what it knows of an output; names too long for the file system become folders."""
    longest = os.pathconf(STATE, "PC_NAME_MAX") if STATE.exists() else 255
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + longest - 1] for start in range(0, len(name), longest - 1)]
    return STATE.joinpath(folder, *(f"@{part}" for part in parts[:-1]), parts[-1])


def is_unfinished(output: str) -> bool:
    """Whether Snakemake began to make an output and does not know that it was finished."""
    return metadata_path(output, "incomplete").exists()


def expected(
    making: Making, time: float, stale: list[str], *, environment_counts: bool = False
) -> dict[str, Any]:
    """What Snakemake would have written when the job succeeded.

    Args:
        making: how the output was made.
        time: start and end of the job, for Snakemake's statistics.
        stale: inputs whose contents are no longer those that the job read. They are named as a second
            parameter, which no job has: so Snakemake makes the output anew, and says why.
        environment_counts: whether the parameter of a rule holds the environment.
    """
    environment = environment_mapping(making.environment, making.device) if environment_counts else None
    mapping = job_mapping(making.script, making.code, making.params, environment)
    params = [as_snakemake_keeps_it(mapping)]
    if stale:
        params.append(repr("made from other contents of " + ", ".join(sorted(stale))))
    return {
        "rule": making.rule,
        "input": sorted(making.inputs),
        "log": sorted(making.log),
        "shellcmd": None,
        "params": sorted(params),
        "code": None,
        "record_format_version": FORMAT,
        "conda_env": None,
        "container_img_url": None,
        "software_stack_hash": NO_SOFTWARE_STACK,
        "job_hash": None,
        "starttime": time,
        "endtime": time,
        "incomplete": False,
        "external_jobid": None,
        "input_checksums": {},
    }


def settle_metadata(output: str, wanted: dict[str, Any], index: Index) -> bool:
    """Write the metadata of an output unless it is there already; say whether it was written."""
    path = metadata_path(output)
    key = {name: wanted[name] for name in COMPARED}
    if path.exists() and index.fact("metadata", path, _compared) == key:
        return False
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(wanted), encoding="utf-8")
    return True


def _compared(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:  # cut off while it was written; Snakemake ignores it, and it is replaced
        return None
    return {name: content.get(name) for name in COMPARED}
