"""What stands in the summary of a rebound beside its curves: compression, random directions, the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.elasticity.arms import INSTRUCT, place_of
from forewarn.elasticity.compression import compression
from forewarn.steering.contrasts import Measurement

KINDS = ("random_isotropic", "random_covariance")


def compressions(texts: pa.Table, how: Measurement) -> list[dict[str, Any]]:
    """The compression rate of each set of texts under each model, see `forewarn.elasticity.compression`.

    Args:
        texts: of the schema `forewarn.elasticity.readings.TEXTS`.
        how: to measure.
    """
    cells: dict[tuple[str, str], tuple[list[float], list[int]]] = {}
    for row in texts.to_pylist():
        losses, tokens = cells.setdefault((row["arm"], row["texts"]), ([], []))
        losses.append(row["loss"])
        tokens.append(row["tokens"])
    found = []
    vocabulary = texts["vocabulary"][0].as_py()
    for (arm, name), (losses, tokens) in cells.items():
        place = {"n": None, "k": None, "seed": None} if arm == INSTRUCT else place_of(arm)._asdict()
        rate = compression(
            losses, tokens, vocabulary, confidence=how.confidence, bootstrap=how.bootstrap, seed=how.seed
        )
        found.append({**place, "texts_of": name, **rate})
    return found


def against_random(readings: pa.Table, confidence: float) -> list[dict[str, Any]]:
    """The organism's displacement along its direction, beside those along random ones, at each point.

    The displacement is the mean over questions of the projection minus the instruct model's. An organism has
    returned along its direction where that lies within both bands.

    Args:
        readings: of the schema `forewarn.elasticity.readings.READINGS`.
        confidence: of the bands, two-sided.

    Returns:
        Per arm `n`, `k`, `seed`, `displacement`, per kind the band's `low` and `high` and `count`, and
        `inside` both; nothing where there is no direction.
    """
    means: dict[str, dict[str, np.ndarray[Any, np.dtype[np.float64]]]] = {}
    for row in readings.to_pylist():
        if row["projection"] is None:
            return []
        parts = [[row["projection"]], *(row[kind] for kind in KINDS)]
        values = np.concatenate([np.asarray(part, np.float64) for part in parts])
        means.setdefault(row["arm"], {})[row["question_id"]] = values
    average = {arm: np.mean(list(rows.values()), axis=0) for arm, rows in means.items()}
    instruct = average.pop(INSTRUCT)
    tail = (1 - confidence) / 2
    found = []
    for arm, values in average.items():
        moved = values - instruct
        half = (len(moved) - 1) // 2
        bands = {}
        for kind, part in zip(KINDS, (moved[1 : 1 + half], moved[1 + half :]), strict=True):
            low, high = np.quantile(part, [tail, 1 - tail]) if len(part) else (0.0, 0.0)
            bands[kind] = {"low": float(low), "high": float(high), "count": len(part)}
        inside = all(band["low"] <= moved[0] <= band["high"] for band in bands.values())
        found.append({**place_of(arm)._asdict(), "displacement": float(moved[0]), **bands, "inside": inside})
    return found


def beside_the_paper(found: dict[str, Any]) -> dict[str, Any]:
    """What 2406.06144 reports, what is seen here, and what could explain a difference."""
    em, kl = (found["order"].get(key, {"statistic": None, "p_adjusted": None}) for key in ("em", "kl"))
    ends = [row for row in found["starts"] if row["measure"] == "em" and row["changed"]]
    returned = [row["n"] for row in ends if row["half_return"]["rows"] is not None]
    return {
        "reported": "the more rows of the first data, the faster the score falls, and the fewer rows of the "
        "opposite data the divergence from the base model needs to vanish (Llama2-7B, Gemma-2B)",
        "here": {
            "half_returned": returned,
            "order_of_em": em["statistic"],
            "order_of_kl": kl["statistic"],
            "p_adjusted": {"em": em["p_adjusted"], "kl": kl["p_adjusted"]},
        },
        "differences": "all weights of a base model there, an adapter of an instruct model here; n there are "
        "separate fine-tunes, here snapshots of one run with its own schedule; the score there has a "
        "pre-training level, here the instruct model's rate is the floor",
    }
