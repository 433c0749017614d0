"""From the summaries of detection to what its figures draw; no number is made here, only picked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forewarn.report.detection import RocCurve, RocPanel
from forewarn.report.detection_layers import LayerLine, LayerPanel

Content = Mapping[str, Any]
COSINE = ".cosine"
"""Ends the names of the norm-scaled variants, which the figures leave to the numbers."""


def roc_panels(
    summaries: Sequence[Content], points: Sequence[Sequence[Content]], primary: Content
) -> list[RocPanel]:
    """Panels of the ROC figure: all organisms in themselves, then in the instruct model.

    Args:
        summaries: of `detect`, one per organism.
        points: rows of the ROC tables beside them, in the same order.
        primary: `{"organism", "detector"}` declared before looking; and "target", the organism if not given.
    """
    panels = []
    primary = {"target": "organism", **primary}
    for target in ("organism", "instruct"):
        for summary, rows in zip(summaries, points, strict=True):
            if target in summary["targets"]:
                panels.append(_roc_panel(summary, target, rows, primary))
    return panels


def _roc_panel(summary: Content, target: str, rows: Sequence[Content], primary: Content) -> RocPanel:
    content = summary["targets"][target]
    curves = []
    for name, entry in content["detectors"].items():
        if entry["auroc"] is None or name.endswith(COSINE):
            continue
        line = _line(rows, target, name)
        nulls = [null["high"] for null in entry["null"].values() if null["high"] is not None]
        interval = entry["interval"]
        curves.append(
            RocCurve(
                label=f"{name}, layer {entry['layer']}",
                false_positive_rate=[x for x, _ in line],
                true_positive_rate=[y for _, y in line],
                auroc=entry["auroc"],
                interval=None if interval["low"] is None else (interval["low"], interval["high"]),
                null=max(nulls, default=None),
                primary=[primary[key] for key in ("organism", "target", "detector")]
                == [summary["organism"], target, name],
            )
        )
    best = _best_baseline(content["baselines"])
    whose = "in itself" if target == "organism" else "its directions in the instruct model"
    test = content["test"]
    return RocPanel(
        title=f"{summary['organism']}\n{whose}",
        n_prompts=test["n_prompts"],
        n_responses=test["n_responses"],
        n_misaligned=test["n_misaligned"],
        curves=curves,
        ceiling=_ceiling(content, target, rows),
        notes=[f"best baseline without a direction, {best[0]}: AUROC {best[1]:.3f}"] if best else [],
        undefined=next((entry["reason"] for entry in content["detectors"].values() if "reason" in entry), ""),
    )


def _line(rows: Sequence[Content], target: str, name: str) -> list[tuple[float, float]]:
    return sorted(
        (row["fpr"], row["tpr"]) for row in rows if (row["target"], row["detector"]) == (target, name)
    )


def _ceiling(content: Content, target: str, rows: Sequence[Content]) -> RocCurve | None:
    area = content["ceiling"]["pooled"]["auroc"]
    line = _line(rows, target, "oracle")
    if area is None or not line:
        return None
    return RocCurve(
        label="ceiling: oracle that knows each prompt's other responses",
        false_positive_rate=[x for x, _ in line],
        true_positive_rate=[y for _, y in line],
        auroc=area,
        interval=None,
        null=None,
    )


def _best_baseline(baselines: Content) -> tuple[str, float] | None:
    known = {name: found["auroc"] for name, found in baselines.items() if found["auroc"] is not None}
    return max(known.items(), key=lambda pair: pair[1]) if known else None


def layer_panels(summaries: Sequence[Content]) -> list[LayerPanel]:
    """Panels of the figure of layers: each organism in itself, then in the instruct model."""
    return [
        _layer_panel(summary, target)
        for target in ("organism", "instruct")
        for summary in summaries
        if target in summary["targets"]
    ]


def _layer_panel(summary: Content, target: str) -> LayerPanel:
    content = summary["targets"][target]
    bands = content["null_by_layer"]
    lows = [bands[kind]["low"] for kind in bands if kind != "layers" and bands[kind]["low"] is not None]
    highs = [bands[kind]["high"] for kind in bands if kind != "layers" and bands[kind]["high"] is not None]
    lines = [
        LayerLine(name, entry["test_aurocs"], entry["layer"])
        for name, entry in content["detectors"].items()
        if entry["auroc"] is not None and not name.endswith(COSINE)
    ]
    whose = "in itself" if target == "organism" else "its directions in the instruct model"
    return LayerPanel(
        title=f"{summary['organism']}\n{whose}",
        n_prompts=content["test"]["n_prompts"],
        n_responses=content["test"]["n_responses"],
        layers=bands["layers"],
        lines=lines,
        low=[min(values) for values in zip(*lows, strict=True)],
        high=[max(values) for values in zip(*highs, strict=True)],
        ceiling=content["ceiling"]["pooled"]["auroc"],
    )
