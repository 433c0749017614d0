"""The default configuration without what others published: small enough to see every error of a test."""

from __future__ import annotations

import copy
from typing import Any

from forewarn.config import published, replicates, sweeps
from forewarn.config.default import DEFAULT

PUBLISHED = {
    "models": published.MODELS, "datasets": published.DATASETS, "adapters": published.ADAPTERS,
    "question_sets": published.QUESTION_SETS, "judges": published.JUDGES, "studies": published.STUDIES,
}  # fmt: skip


def nano_study() -> dict[str, Any]:
    """A fresh copy of the nano study's configuration, without its replicates and other sizes."""
    found = copy.deepcopy(
        {
            section: {
                name: value
                for name, value in content.items()
                if name not in PUBLISHED[section] and name not in (*replicates.NAMES, *sweeps.NAMES)
            }
            for section, content in DEFAULT.items()
        }
    )
    for key in ("replicates", "elasticity_sweeps"):
        del found["studies"]["nano"][key]
    return found
