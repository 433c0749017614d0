"""The one mapping that every rule has as its parameter, and its text in Snakemake's metadata.

Snakemake compares parameters as a set of texts, so that two of them could swap their values unnoticed: hence
one mapping, in one order. It holds the settings, the script, and one hash of all code behind it.
"""

from __future__ import annotations

import json
from typing import Any

from forewarn.ledger.closure import closure_digest


def job_mapping(
    script: str,
    code: dict[str, str],
    settings: dict[str, Any],
    environment: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The mapping.

    Args:
        script: path of the script, relative to the project.
        code: its closure.
        settings: JSON values.
        environment: package versions and device, where these are to be a reason to run again.
    """
    mapping: dict[str, Any] = {"code": closure_digest(code), "script": script, "settings": settings}
    if environment is not None:
        mapping["environment"] = environment
    ordered: dict[str, Any] = json.loads(json.dumps(mapping, sort_keys=True))
    return ordered


def environment_mapping(versions: dict[str, str], device: str) -> dict[str, Any]:
    """The part of the mapping that says where a job runs."""
    return {"device": device, "versions": versions}


def as_snakemake_keeps_it(mapping: dict[str, Any]) -> str:
    """The mapping as it stands in Snakemake's metadata (`repr` of each parameter, format 6)."""
    return repr(mapping)
