"""The modules of a rank-1 adapter by short names, as columns of tables and groups name them.

A module adds scaling * B (A . x) to what its linear map makes of x. With rank 1, A . x is one number a token,
which says how far the module is switched on, and B is the one direction that it writes (arXiv 2506.11618).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from forewarn.errors import StudyError
from forewarn.models.lora import Factors

_PATH = re.compile(r"layers\.(\d+)\.\w+\.(\w+)$")


def rank1_modules(factors: Mapping[str, Factors]) -> dict[str, str]:
    """Short name, `layer{block}.{module}` -> path inside the model; by block and module.

    Args:
        factors: of an adapter by path, see `forewarn.models.lora.read_factors`.

    Raises:
        StudyError: a module has another rank than 1, or is no linear map of a block.
    """
    found = {}
    for path, each in factors.items():
        if each.a.shape[0] != 1:
            raise StudyError(
                f"the adapter has rank {each.a.shape[0]} at {path}, so there is no one scalar per token",
                "name organisms whose adapter has `rank: 1` under adapter_readings",
            )
        match = _PATH.search(path)
        if match is None:
            raise StudyError(
                f"the adapter changes {path}, which is no linear map of a block",
                "name organisms whose adapter has linear maps of attention and MLP alone",
            )
        found[int(match[1]), match[2]] = path
    return {f"layer{block}.{module}": path for (block, module), path in sorted(found.items())}
