"""From the summaries of steering to what the figure of doses draws; numbers are only picked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from forewarn.report.doses import Ends, Mark, Panel, Series
from forewarn.statistics.intervals import Rate
from forewarn.steering.contrasts import SAME

Content = Mapping[str, Any]
SERIES: dict[tuple[str, str], Series] = {
    ("baseline", "all"): "nothing",
    ("direction", "all"): "direction",
    ("direction", "prompt"): "direction, prompt alone",
    ("own_direction", "all"): "its own direction",
}


def panel(organism: str, content: Content) -> Panel:
    """The panel of one experiment, from its summary JSON.

    Args:
        organism: whose direction it is.
        content: of `add_doses`, `subtract_doses`, `layers` or `transfer`.
    """
    operation, arms = content["operation"], content["arms"]
    titles = {
        "add_doses": f"added to the instruct model after layer {content['layer']}",
        "subtract_doses": f"subtracted in the organism after layer {content['layer']}",
        "layers": "ablated in the organism",
        "transfer": "ablated in other organisms, after every layer",
    }
    labels = {"layers": "after", "transfer": "in"}
    categories = {"layers": _layers, "transfer": _subjects}.get(operation)
    names = None if categories is None else categories(arms)
    marks = [_mark(arm, arms, names) for arm in arms if not arm["kind"].startswith("random")]
    return Panel(
        organism=organism,
        title=titles[operation],
        label=labels.get(operation, "multiple of the direction"),
        marks=marks if names is not None else _from_the_baseline(marks),
        categories=None if names is None else [_wrapped(name) for name in names],
        coherence_floor=content["coherence_floor"],
        undefined=content["undefined"],
    )


def _layers(arms: Sequence[Content]) -> list[str]:
    return list(dict.fromkeys(_block(arm) for arm in arms))


def _block(arm: Content) -> str:
    if arm["operation"] == "none":
        return "nothing"
    return "every layer" if arm["layer"] is None else f"layer {arm['layer']}"


def _subjects(arms: Sequence[Content]) -> list[str]:
    return list(dict.fromkeys(arm["subject"] for arm in arms))


def _mark(arm: Content, arms: Sequence[Content], names: Sequence[str] | None) -> Mark:
    if names is None:
        x = arm["coefficient"] or 0.0
    else:
        x = float(names.index(arm["subject"] if arm["subject"] in names else _block(arm)))
    randoms = [
        other
        for other in arms
        if arm["kind"] == "direction"
        and other["kind"].startswith("random")
        and all(other[key] == arm[key] for key in SAME)
    ]
    ends = arm["coherence_interval"]
    mean = arm["mean_coherence"]
    em = arm["em"]
    return Mark(
        x=x,
        series=SERIES[arm["kind"], arm["positions"]],
        misaligned=Rate(em["count"], em["n"], em["low"], em["high"], em["confidence"]),
        coherence=None if mean is None or ends["low"] is None else (mean, ends["low"], ends["high"]),
        random_misaligned=_ends([other["em"]["rate"] for other in randoms]),
        random_coherence=_ends([other["mean_coherence"] for other in randoms]),
    )


def _from_the_baseline(marks: Sequence[Mark]) -> list[Mark]:
    """Curves begin at dose 0, where direction and random directions are one and the same: nothing."""
    (nothing,) = (mark for mark in marks if mark.series == "nothing")
    share, coherence = nothing.misaligned.value, nothing.coherence
    starts = []
    for series in dict.fromkeys(mark.series for mark in marks if mark is not nothing):
        compared = any(mark.random_misaligned for mark in marks if mark.series == series)
        starts.append(
            replace(
                nothing,
                series=series,
                random_misaligned=_ends([share]) if compared else None,
                random_coherence=_ends([coherence[0]]) if compared and coherence else None,
            )
        )
    return [*starts, *marks]


def _ends(values: Sequence[float | None]) -> Ends | None:
    known = [value for value in values if value is not None]
    return (min(known), sum(known) / len(known), max(known)) if known else None


def _wrapped(name: str) -> str:
    """A name of several words or parts, one below the other."""
    return name.replace("-", "\n").replace(" ", "\n")
