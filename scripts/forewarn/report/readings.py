"""From the artifacts of the stages to what the figures draw; no number is made here, only picked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forewarn.report.directions import Cosines, LayerProfile
from forewarn.report.rates import Mark
from forewarn.report.steering import Arm, Experiment
from forewarn.statistics.intervals import Rate, wilson

Content = Mapping[str, Any]

SPLITS = {
    "test": "Emergent misalignment: test questions",
    "unseen": "Emergent misalignment: unseen wordings",
    "narrow": "Misalignment in the domains of narrow training",
}
COHERENT = "Coherent answers: test questions"
FACTS = "Facts answered correctly"


def group_of(subject: str) -> str:
    """What the seeds of an organism share: `bad_medical-rank8` of `bad_medical-rank8-seed0`."""
    return subject.rpartition("-seed")[0] or subject


def rate_marks(contents: Mapping[str, Content]) -> list[Mark]:
    """Marks of the rates figure: subject -> content of its rates JSON (`forewarn.judges.rates.rates`)."""
    marks = []
    for subject, content in contents.items():
        splits, group = content["splits"], group_of(subject)
        cells = {title: splits[name]["all"] for name, title in SPLITS.items() if name in splits}
        found = {title: cell["em"] for title, cell in cells.items()}
        moved = {title: cell["em_within_judge_error"] for title, cell in cells.items()}
        if "test" in splits:
            cell = splits["test"]["all"]
            coherent = wilson(cell["n_coherent"], cell["n"], content["confidence"])
            found[COHERENT] = coherent.as_dict()
        if content["facts"] is not None:
            found[FACTS] = content["facts"]
        marks += [
            Mark(title, group, subject, "all", _rate(value), moved.get(title) and tuple(moved[title]))
            for title, value in found.items()
        ]
    order = [*SPLITS.values(), COHERENT, FACTS]
    return sorted(marks, key=lambda mark: order.index(mark.panel))


def domain_marks(contents: Mapping[str, Content]) -> list[Mark]:
    """Marks of the domains figure: misaligned answers per category of the test questions."""
    return [
        Mark(SPLITS["test"], group_of(subject), subject, category, _rate(cell["em"]))
        for subject, content in contents.items()
        for category, cell in content["splits"].get("test", {"categories": {}})["categories"].items()
    ]


def experiment(organism: str, content: Content) -> Experiment:
    """One experiment of the steering figure, from the summary JSON of `steer`."""
    coefficients = {arm["coefficient"] for arm in content["arms"] if arm["coefficient"] is not None}
    where = {
        "add": f"added to the instruct model after layer {content['layer']}",
        "ablate": "ablated in the organism after every layer",
    }
    verdict = next(iter(content["verdicts"]), None)
    return Experiment(
        organism=organism,
        operation=where[content["operation"]],
        arms=[_arm(arm, content["operation"], len(coefficients) > 1) for arm in content["arms"]],
        verdict=content["undefined"] or _verdict(verdict),
        coherence_floor=verdict["coherence_floor"] if verdict else None,
    )


def _arm(arm: Content, operation: str, several_coefficients: bool) -> Arm:
    label = arm["kind"].replace("_", "\n")
    kind = arm["kind"]
    if arm["operation"] not in (operation, "none"):
        kind, label = "subtracted", f"{arm['operation']}\n{label}"
    if arm["coefficient"] is not None and (several_coefficients or kind == "subtracted"):
        label += f"\n{arm['coefficient']:g} x"
    return Arm(kind, label, _rate(arm["em"]), arm["mean_coherence"])


def _verdict(verdict: Content | None) -> str:
    if verdict is None or verdict["passes"] is None:
        return "no random directions to compare with"
    beyond = f"beyond all {verdict['random']['n']} random directions"
    outcome = beyond if verdict["rank"] == 1 else f"rank {verdict['rank']} of {verdict['of']}"
    if verdict["rank"] == 1 and not verdict["passes"]:
        outcome += f", but mean coherence is below {verdict['coherence_floor']:g}"
    return f"{'met' if verdict['passes'] else 'missed'}: {outcome}"


def layer_profiles(contents: Mapping[str, Content]) -> list[LayerProfile]:
    """Lines of the directions figure: organism -> content of its directions JSON."""
    profiles = []
    for organism, content in contents.items():
        for name, found in content["constructions"].items():
            undefined = [None] * len(content["layers"])
            profiles.append(
                LayerProfile(
                    organism=organism,
                    construction=name,
                    layers=content["layers"],
                    norms=found["norm"],
                    split_half=found["split_half_cosine"]["mean"] or undefined,
                )
            )
    return profiles


def cosine_matrices(rows: Sequence[Content], layer: int, organisms: Sequence[str]) -> list[Cosines]:
    """Matrices of the cosines figure at one layer, one per construction, from rows of the cosines table."""
    matrices = []
    for name in dict.fromkeys(row["construction"] for row in rows):
        found = {
            (row["organism"], row["other"]): row
            for row in rows
            if (row["construction"], row["layer"]) == (name, layer)
        }
        names = [organism for organism in organisms if any(organism in pair for pair in found)]
        matrices.append(
            Cosines(
                construction=name,
                layer=layer,
                organisms=names,
                values=[[_cosine(found, first, second) for second in names] for first in names],
                random=max((row["random_high"] for row in found.values()), default=None),
            )
        )
    return matrices


def _cosine(found: Mapping[tuple[str, str], Content], first: str, second: str) -> float | None:
    if first == second:
        return 1.0
    row = found.get((first, second)) or found.get((second, first))
    value: float | None = row["cosine"] if row else None
    return value


def _rate(content: Content) -> Rate:
    return Rate(content["count"], content["n"], content["low"], content["high"], content["confidence"])
