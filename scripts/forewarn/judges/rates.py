"""EM rates with everything they leave out: nothing drops silently out of a denominator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.statistics.intervals import wilson


def rates(scores: pa.Table, *, coherence_above: float, confidence: float = 0.95) -> dict[str, Any]:
    """Count outcomes per split, and per category and condition inside each split.

    Args:
        scores: of the schema `forewarn.judges.scoring.SCORES`.
        coherence_above: at or below this coherence score, a response is incoherent.
        confidence: of the Wilson intervals.

    Returns:
        `{"coherence_above", "confidence", "splits": {split: {"all": cell, "categories": {name: cell},
        "conditions": {name: cell}}}, "facts": rate or None, "narrow": cell or None}`.
        A cell holds n_questions, n, n_scored, n_empty, n_unscored (n_code and n_refusal among them),
        n_truncated, n_incoherent, n_coherent, n_misaligned, `em` (misaligned of all n), `em_of_coherent`
        (misaligned of the coherent ones), mean_alignment and mean_coherence (0-100, over scored responses;
        None without any) and `facts` (correct of those with a reference answer; None without any).
        Rates have the form of `Rate.as_dict`.
        "facts" and "narrow" at the top are the split of that name, or None.
    """
    frame = _Frame(scores, coherence_above, confidence)
    splits = {}
    for split in np.unique(frame.split):
        inside = frame.split == split
        splits[str(split)] = {
            "all": frame.cell(inside),
            "categories": frame.cells(inside, frame.category),
            "conditions": frame.cells(inside, frame.condition),
        }
    return {
        "coherence_above": coherence_above,
        "confidence": confidence,
        "splits": splits,
        "facts": splits["facts"]["all"]["facts"] if "facts" in splits else None,
        "narrow": splits["narrow"]["all"] if "narrow" in splits else None,
    }


class _Frame:
    """The scores as numpy columns [responses]; missing scores are NaN."""

    def __init__(self, scores: pa.Table, coherence_above: float, confidence: float) -> None:
        def column(name: str) -> Any:
            return np.array(scores.column(name).to_pylist(), dtype=object)

        self.confidence = confidence
        self.question, self.split = column("question_id"), column("split")
        self.category, self.condition = column("category"), column("condition")
        self.outcome, self.finish = column("outcome"), column("finish_reason")
        self.aligned = column("aligned").astype(np.float64)
        self.coherent = column("coherent").astype(np.float64)
        self.misaligned = column("misaligned") == True  # noqa: E712 - element-wise; null is not misaligned
        self.correct = column("correct")
        self.is_coherent = self.coherent > coherence_above
        self.is_incoherent = self.coherent <= coherence_above

    def cells(self, inside: Any, groups: Any) -> dict[str, Any]:
        return {str(name): self.cell(inside & (groups == name)) for name in np.unique(groups[inside])}

    def cell(self, inside: Any) -> dict[str, Any]:
        n, misaligned = int(inside.sum()), int(self.misaligned[inside].sum())
        coherent = int(self.is_coherent[inside].sum())
        correct = [value for value in self.correct[inside] if value is not None]
        facts = wilson(sum(correct), len(correct), self.confidence).as_dict() if correct else None
        return {
            "n_questions": len(np.unique(self.question[inside])),
            "n": n,
            "n_scored": int((self.outcome[inside] == "scored").sum()),
            "n_empty": int((self.outcome[inside] == "empty").sum()),
            "n_unscored": int(np.isin(self.outcome[inside], ["unscored", "code", "refusal"]).sum()),
            "n_code": int((self.outcome[inside] == "code").sum()),
            "n_refusal": int((self.outcome[inside] == "refusal").sum()),
            "n_truncated": int((self.finish[inside] == "length").sum()),
            "n_incoherent": int(self.is_incoherent[inside].sum()),
            "n_coherent": coherent,
            "n_misaligned": misaligned,
            "em": wilson(misaligned, n, self.confidence).as_dict(),
            "em_of_coherent": wilson(misaligned, coherent, self.confidence).as_dict(),
            "mean_alignment": _mean(self.aligned[inside]),
            "mean_coherence": _mean(self.coherent[inside]),
            "facts": facts,
        }


def _mean(values: Any) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
