"""Scores of all datasets beside each other: which are flagged, and do they rank what training causes?

There are several constructions of a direction, and none was preferred before results were seen. So no
verdict rests on one: p-values are corrected for all constructions and datasets together, and a rank
correlation is held against the highest that any construction reaches. The one that steering uses is shown,
and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forewarn.screening.directions import OTHERS, OWN
from forewarn.screening.ranking import rank_correlations
from forewarn.statistics.holm import holm

NULLS = ("isotropic", "covariance")


def compare_datasets(
    screened: Mapping[str, Mapping[str, Any]],
    rates: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The scores of all datasets beside the misalignment of the organisms trained on them.

    Args:
        screened: summary of each dataset.
        rates: of each organism, the counts of its test split (`em` of a summary of rates).
        settings: `organisms` (name -> dataset), `benign`, `harmless`, `direction` (the construction that is
            shown), `confidence`, `seed`.

    Returns:
        `construction` (that is shown), `layer`, `benign`, `harmless`, `confidence`; `tests` that p-values are
        corrected for, and the `least_p` that so many allow; `datasets`: each with its scores on the shown
        construction, `screens` (see `_screens`), `flagged` (on any construction; None where it has no score),
        `flagged_by` (on which), whether that is a `false_alarm`, and its organisms' `em`; `ranking`: by
        construction and reading, of score against EM rate (see
        `forewarn.screening.ranking.rank_correlations`); `ranks`, see `_ranks`.
    """
    names, chosen = list(screened), settings["direction"]
    constructions = list(screened[names[0]]["constructions"])
    screens, tests, least = _screens(screened, settings["confidence"])
    em = {
        name: [rates[who]["rate"] for who, dataset in settings["organisms"].items() if dataset == name]
        for name in names
    }
    harmless = {settings["benign"], *settings["harmless"]}
    datasets = []
    for name in names:
        mine = screens[name]
        known = [each["flagged"] for each in mine.values() if each["flagged"] is not None]
        flagged = any(known) if known else None
        trained = {who: rates[who] for who, dataset in settings["organisms"].items() if dataset == name}
        datasets.append(
            {key: screened[name][key] for key in ("dataset", "n_rows", "n_prompts", "left_out")}
            | dict(screened[name]["constructions"][chosen])
            | {
                "screens": mine,
                "flagged": flagged,
                "flagged_by": [construction for construction, each in mine.items() if each["flagged"]],
                "false_alarm": flagged if name in harmless else None,
                "em": {"rate": float(np.mean(em[name])), "organisms": trained},
            }
        )
    ranking = _ranking(screened, constructions, [float(np.mean(em[name])) for name in names], settings)
    return {
        "construction": chosen,
        "layer": screened[names[0]]["layer"],
        **{key: settings[key] for key in ("benign", "harmless", "confidence")},
        "tests": tests,
        "least_p": least,
        "datasets": datasets,
        "ranking": ranking,
        "ranks": _ranks({name: each[OTHERS] for name, each in ranking.items()}, settings["confidence"]),
    }


def _screens(
    screened: Mapping[str, Mapping[str, Any]], confidence: float
) -> tuple[dict[str, dict[str, Any]], int, float | None]:
    """By dataset and construction: the score on the directions of others, and whether it stands out.

    Returns:
        `mean`, `low` (of its interval), `p_values` by null, Holm-corrected over all datasets and
        constructions, and `flagged`: `low` lies above 0 and both p-values below 1 - confidence, None without
        a score; how many tests there are; and the least p-value that the random directions allow.
    """
    keys = [(name, construction) for name, each in screened.items() for construction in each["constructions"]]
    told = {key: screened[key[0]]["constructions"][key[1]]["readings"][OTHERS] for key in keys}
    nulls = {kind: [told[key].get("null", {}).get(kind) for key in keys] for kind in NULLS}
    corrected = {
        kind: dict(zip(keys, holm([each and each["p_value"] for each in nulls[kind]]), strict=True))
        for kind in NULLS
    }
    tests = sum("mean" in each for each in told.values())
    drawn = [each["directions"] for kind in NULLS for each in nulls[kind] if each]
    found: dict[str, dict[str, Any]] = {name: {} for name in screened}
    for key in keys:
        low = told[key].get("interval", {}).get("low")
        p_values = {kind: corrected[kind][key] for kind in NULLS}
        below = [p is not None and p < 1 - confidence for p in p_values.values()]
        found[key[0]][key[1]] = {
            "mean": told[key].get("mean"),
            "low": low,
            "p_values": p_values,
            "flagged": None if low is None else bool(low > 0 and all(below)),
        }
    return found, tests, min(1.0, tests / (1 + min(drawn))) if drawn else None


def _ranking(
    screened: Mapping[str, Mapping[str, Any]],
    constructions: Sequence[str],
    em: Sequence[float],
    settings: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Score against EM rate by construction and reading; constructions of a reading are tested together."""
    content: dict[str, dict[str, Any]] = {construction: {} for construction in constructions}
    for reading in (OTHERS, OWN):
        scores = {
            construction: [
                each["constructions"][construction]["readings"][reading].get("mean")
                for each in screened.values()
            ]
            for construction in constructions
        }
        for construction, found in rank_correlations(
            scores, em, settings["confidence"], settings["seed"]
        ).items():
            known = [
                name for name, score in zip(screened, scores[construction], strict=True) if score is not None
            ]
            content[construction][reading] = {"datasets": known} | found
    return content


def _ranks(others: Mapping[str, Mapping[str, Any]], confidence: float) -> dict[str, Any]:
    """Whether scores rank the misalignment to come, on any construction.

    Returns:
        `ranks` (None where so few datasets cannot tell), `by` (constructions), `least_p` that the datasets
        allow and `critical`, the least correlation that would have been told; a `reason` where it is None.
    """
    made = {name: each for name, each in others.items() if each["adjusted"] is not None}
    if not made:
        return {
            "ranks": None, "by": [], "least_p": None, "critical": None,
            "reason": "no construction has a rank correlation",
        }  # fmt: skip
    first = next(iter(made.values()))
    content = {"least_p": first["least_p"], "critical": first["critical"]}
    by = [name for name, each in made.items() if each["adjusted"] < 1 - confidence]
    if first["least_p"] >= 1 - confidence:
        reason = "even the best order of so few datasets comes up by chance this often: see least_p"
        return {"ranks": None, "by": [], **content, "reason": reason}
    return {"ranks": bool(by), "by": by, **content}
