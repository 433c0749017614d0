"""Elasticity of several models put together: resistance counted over all, what each model is, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors import SafetensorError, safe_open
from scipy.stats import binomtest

from forewarn.elasticity.resistance import PAPER
from forewarn.elasticity.sweeps import LOSSES, Returned, compare_models
from forewarn.errors import StudyError
from forewarn.steering.contrasts import Measurement

SWEEPS = pa.schema(
    [
        pa.field("sweep", pa.string(), nullable=False),  # size or pretraining
        pa.field("place", pa.int32(), nullable=False),  # of the model in it, from 0
        pa.field("model", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),  # em, projection, shift or kl
        pa.field("n", pa.int32(), nullable=False),  # rows seen when the pushing began
        pa.field("changed", pa.bool_(), nullable=False),  # whether there was a change to return from
        pa.field("change", pa.float64()),  # from the instruct model, in the measure's unit
        pa.field("change_low", pa.float64()),
        pa.field("change_high", pa.float64()),
        pa.field("rows", pa.float64()),  # to half-return; null where it was not reached or nothing changed
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),  # null beyond the last point
        pa.field("prompts", pa.int32(), nullable=False),
        pa.field("seeds", pa.int32(), nullable=False),
    ]
)
"""One row per sweep, model, measure and start."""
REPORTED = {
    "size": "the larger the model, the faster the score falls (Qwen 0.5B, 4B, 7B), without printed numbers",
    "pretraining": "the more pretraining, the faster the score falls (TinyLlama, 0.1 to 3.0T tokens); hardly "
    "to be seen at 0.1T, clear at 0.5T, without printed numbers",
}
DIFFERENCES = (
    "sizes there span a factor of 14, here width alone; amounts there are checkpoints of one run, here runs "
    "whose learning rate has decayed; all weights there, an adapter of the same rank here, which is a larger "
    "part of a narrow model; three models, one draw of weights and one organism each"
)


def put_together(
    returned: Mapping[str, Returned],
    measured: Mapping[tuple[str, str], Mapping[str, Any]],
    sizes: Mapping[str, Mapping[str, int]],
    settings: Mapping[str, Any],
) -> tuple[dict[str, Any], pa.Table]:
    """All that is said of elasticity over models.

    Args:
        returned: the compared organism's return, by model.
        measured: see `count_resistance`.
        sizes: from `parameters_of`, of the models of which they are known.
        settings: `organism`, `sweeps`, `models` and `measure`, see `compare_elasticity.py`.

    Returns:
        The JSON of the comparison, and a table of `SWEEPS`.

    Raises:
        StudyError: see `compare_models`.
    """
    how, first = Measurement(**settings["measure"]), next(iter(returned.values())).summary
    sweeps = {
        name: compare_models([returned[model] for model in models], how)
        for name, models in settings["sweeps"].items()
    }
    found = {key: settings[key] for key in ("organism", "measure")}
    found |= {key: first[key] for key in ("opposite", "n", "k", "seeds", "prompts")}
    found["models"] = {
        (model := each["model"]): {
            "pretraining_steps": each["pretraining_steps"],
            "parameters": sizes.get(model),
            "compression": instruct_compression(returned[model].summary),
        }
        for each in settings["models"]
    }
    found["sweeps"] = {
        name: sweep | {"paper": beside_the_paper(name, sweep)} for name, sweep in sweeps.items()
    }
    found["resistance"] = count_resistance(measured)
    return found, sweeps_table(sweeps, first["prompts"], len(first["seeds"]))


def beside_the_paper(name: str, sweep: Mapping[str, Any]) -> dict[str, Any]:
    """What the paper reports of a sweep, whether each measure bears it out here, and what could explain it.

    Args:
        name: of the sweep, size or pretraining.
        sweep: what `forewarn.elasticity.sweeps.compare_models` gives.

    Returns:
        `reported`; `here`, by measure as reported, opposite, or open where models are not told apart; and
        `differences`.
    """
    words = {"faster": "as reported", "slower": "opposite"}
    here = {measure: words.get(trend["verdict"], "open") for measure, trend in sweep["trend"].items()}
    return {"reported": REPORTED[name], "here": here, "differences": DIFFERENCES}


def count_resistance(measured: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """In how many comparisons going back is easier than forward, over models and datasets.

    Args:
        measured: (model, organism) -> summary of its resistance.

    Returns:
        Per kind of loss `organisms` (each with its counts and mean difference), sums of the counts, `p_value`
        of a two-sided sign test as if comparisons were independent, which those of one run are not, and
        `over_organisms`, the same test of the signs of the organisms' means; and the `paper`'s counts.
    """
    found: dict[str, Any] = {}
    keys = ("comparisons", "inverse_lower", "lower_told_apart", "higher_told_apart")
    for loss in LOSSES:
        rows = []
        for (model, organism), summary in measured.items():
            values = [row[loss]["inverse_minus_forward"]["value"] for row in summary["comparisons"]]
            counts = {key: summary["signs"][loss][key] for key in keys}
            tied = sum(value == 0 for value in values)
            mean = float(np.mean(values)) if values else 0.0
            rows.append({"model": model, "organism": organism, **counts, "tied": tied, "mean": mean})
        sums = {key: sum(row[key] for row in rows) for key in (*keys, "tied")}
        lower, higher = (sum(sign * row["mean"] > 0 for row in rows) for sign in (-1, 1))
        found[loss] = {
            "organisms": rows,
            **sums,
            "p_value": sign_test(sums["inverse_lower"], sums["comparisons"] - sums["tied"]),
            "over_organisms": {
                "organisms": lower + higher, "inverse_lower": lower,
                "p_value": sign_test(lower, lower + higher), "least_p": sign_test(0, lower + higher),
            },
        }  # fmt: skip
    return found | {"paper": PAPER | {"p_value": sign_test(PAPER["inverse_lower"], PAPER["comparisons"])}}


def sign_test(lower: int, made: int) -> float | None:
    """The two-sided p-value of so many out of all that are not tied; None without any."""
    return float(binomtest(lower, made).pvalue) if made else None


def parameters_of(weights: Path) -> dict[str, int]:
    """How many parameters a model has, `embedding` (both ends) and `other`, from the head of its file.

    Raises:
        StudyError: the file holds no tensors.
    """
    counts = {"embedding": 0, "other": 0}
    try:
        with safe_open(weights, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                end = "embed_tokens" in name or "lm_head" in name
                counts["embedding" if end else "other"] += prod(file.get_slice(name).get_shape())
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{weights} is no file of tensors: {error}", "delete it and run again") from error
    return counts


def instruct_compression(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How well the instruct model compresses each set of texts, by set."""
    return {row["texts_of"]: dict(row["interval"]) | {"rate": row["rate"], "texts": row["texts"]}
            for row in summary["compression"] if row["n"] is None}  # fmt: skip


def sweeps_table(sweeps: Mapping[str, Mapping[str, Any]], prompts: int, seeds: int) -> pa.Table:
    """The half-returns of all sweeps as a table of `SWEEPS`.

    Args:
        sweeps: name -> what `forewarn.elasticity.sweeps.compare_models` gives.
        prompts: that each point was read at.
        seeds: of the pushing.
    """
    rows = [
        _row(name, sweep["models"], entry)
        for name, sweep in sweeps.items()
        for entry in sweep["half_returns"]
    ]
    whole = [row | {"prompts": prompts, "seeds": seeds} for row in rows]
    return pa.Table.from_pylist(whole, schema=SWEEPS)


def _row(sweep: str, models: Sequence[str], entry: Mapping[str, Any]) -> dict[str, Any]:
    change, half = entry.get("change", {}), entry.get("half_return", {})
    return {
        "sweep": sweep,
        "place": models.index(entry["model"]),
        **{key: entry[key] for key in ("model", "measure", "n", "changed")},
        "change": change.get("value"),
        "change_low": change.get("low"),
        "change_high": change.get("high"),
        **{key: half.get(key) for key in ("rows", "low", "high")},
    }
