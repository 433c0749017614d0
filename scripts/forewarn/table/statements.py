"""What the table says about models and about quantisation: which rows are compared, and what follows.

A statement compares two groups of organisms, each of one model, dataset and adapter, over its seeds:

- `models`: the same dataset and adapter in two models ("this model resists");
- `quantisation`: the same dataset in one model, by two adapters that differ in quantisation alone
  ("quantisation suppresses").

All tests of all statements that can be made are one family. It holds two tests per statement: that the
rates differ, and that they are less than a margin apart. Holm's correction keeps the chance of any false
verdict below 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from forewarn.statistics.holm import holm
from forewarn.table.comparison import CONFIDENCE, MARGIN, POWER, Comparison, compare, detectable
from forewarn.table.differences import Answered, on_shared_prompts

RULE = (
    "differs, if the hypothesis that the rates are the same is rejected; equivalent, if instead the "
    "hypothesis is rejected that they are at least the margin apart (two one-sided tests); undecided "
    "otherwise. All p-values are corrected by Holm for both tests of all statements that could be made, and "
    "so is the smallest difference that could be found; intervals are not."
)


COHERENT = 0.9
"""Share of coherent answers below which a statement warns: what talks nonsense is not counted as misaligned,
and so may look as if it resisted."""


@dataclass(frozen=True)
class Group:
    """Organisms that differ in their training seed alone.

    Attributes:
        model: they were raised from.
        dataset: they were trained on.
        adapter: how.
        recipes: one per seed.
    """

    model: str
    dataset: str
    adapter: str
    recipes: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """`model/dataset-adapter`."""
        return f"{self.model}/{self.dataset}-{self.adapter}"

    def common(self, key: str) -> Any:
        """What all its recipes say under a key."""
        return self.recipes[0][key]

    def answered(self, labels: Mapping[str, Answered]) -> list[Answered]:
        """Labels of the seeds that were scored."""
        paths = [recipe["files"]["scores"] for recipe in self.recipes]
        return [labels[path] for path in paths if path in labels]

    def coherent(self, shares: Mapping[str, float | None]) -> float | None:
        """Mean share of coherent answers over the seeds of which it is known."""
        known = [shares.get(recipe["files"]["rates"]) for recipe in self.recipes]
        found = [share for share in known if share is not None]
        return sum(found) / len(found) if found else None


def groups(recipes: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Of the organisms of harmful data; controls are compared in their rows."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for recipe in recipes:
        if recipe["harmful"]:
            key = (recipe["model"], recipe["dataset"], recipe["adapter"])
            found.setdefault(key, []).append(recipe)
    return [Group(*key, tuple(members)) for key, members in found.items()]


def pairs(found: Sequence[Group]) -> Iterator[tuple[str, Group, Group]]:
    """Kind, first and second group of each statement; of `quantisation`, the quantised group is the first."""
    for first, second in combinations(found, 2):
        if first.dataset != second.dataset:
            continue
        if first.model != second.model and first.adapter == second.adapter:
            yield "models", first, second
        if first.model == second.model:
            for one, other in ((first, second), (second, first)):
                if one.common("quantised_from") == other.adapter:
                    yield "quantisation", one, other


def state(
    recipes: Sequence[Mapping[str, Any]],
    labels: Mapping[str, Answered],
    coherent: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """All statements with their verdicts; and those that could not be made, with the reason and the goals.

    Besides what a comparison holds, each has `minimal_detectable_in_family`: as its verdict, it pays for all
    tests. Goals are files that are not there, and that would make the statement possible.

    Args:
        recipes: see `forewarn.table.rows`.
        labels: of the scores that are there, by path.
        coherent: share of coherent answers to the test questions, by the path of the rates.
    """
    made: list[dict[str, Any]] = []
    comparisons: list[Comparison] = []
    missing = []
    for kind, first, second in pairs(groups(recipes)):
        about: dict[str, Any] = {"kind": kind, "first": first.name, "second": second.name}
        reason, found = _compared(first, second, labels)
        if found is None:
            missing.append(about | {"missing": reason, "goals": _goals(first, second, labels)})
        else:
            shares = [group.coherent(coherent or {}) for group in (first, second)]
            made.append(about | {"coherent_shares": shares})
            comparisons.append(found)
    tests = [each.p_differs for each in comparisons] + [each.p_equivalent for each in comparisons]
    corrected = holm(tests)
    differing, equivalent = corrected[: len(made)], corrected[len(made) :]
    return {
        "rule": RULE,
        "margin": MARGIN,
        "confidence": CONFIDENCE,
        "power": POWER,
        "tests": len(tests),
        "statements": [
            about
            | each.as_dict()
            | {"minimal_detectable_in_family": detectable(each, len(tests))}
            | _verdict(about, each, float(one or 0.0), float(other or 0.0), len(tests))
            for about, each, one, other in zip(made, comparisons, differing, equivalent, strict=True)
        ],
        "missing": missing,
    }


def _compared(
    first: Group, second: Group, labels: Mapping[str, Answered]
) -> tuple[str | None, Comparison | None]:
    """The comparison, or why there is none."""
    for key, what in (("questions", "question set"), ("judge", "judge")):
        if first.common(key) != second.common(key):
            return f"another {what}: {first.common(key)} and {second.common(key)}", None
    sides = [group.answered(labels) for group in (first, second)]
    if not all(sides):
        names = [group.name for group, side in zip((first, second), sides, strict=True) if not side]
        return f"not run: {' and '.join(names)}", None
    found = on_shared_prompts([*sides[0], *sides[1]])
    if len(found[0]) < 2:
        return "fewer than two prompts in common", None
    return None, compare(found[: len(sides[0])], found[len(sides[0]) :])


def _goals(first: Group, second: Group, labels: Mapping[str, Answered]) -> list[str]:
    """Scores that are not there, of a group of which none is."""
    sides = [[recipe["files"]["scores"] for recipe in group.recipes] for group in (first, second)]
    return [path for side in sides if not set(side) & set(labels) for path in side]


def _verdict(
    about: Mapping[str, Any], found: Comparison, differs: float, equivalent: float, tests: int
) -> dict[str, Any]:
    """What follows, in a word and in a sentence."""
    level = 1 - CONFIDENCE
    within = equivalent < level
    verdict = "differs" if differs < level else "equivalent" if within else "undecided"
    points = f"{100 * abs(found.difference):.1f} points [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    side = "above" if found.difference > 0 else "below"
    of = "" if found.seeds_counted else "; one seed each, so this is about these two fine-tunes alone"
    for name, share in zip((about["first"], about["second"]), about["coherent_shares"], strict=True):
        if share is not None and share < COHERENT:
            of += f"; {name} is coherent in {100 * share:.0f} % of its answers only"
    text = {
        "differs": f"{about['first']} is {points} {side} {about['second']}",
        "equivalent": f"{about['first']} and {about['second']} are less than {100 * MARGIN:.0f} points apart",
        "undecided": f"{about['first']} and {about['second']}: not decided; {_least(found, tests)}",
    }[verdict]
    return {
        "p_differs_holm": differs,
        "p_equivalent_holm": equivalent,
        "verdict": verdict,
        "within_margin": within,
        "text": text + of,
    }


def _least(found: Comparison, tests: int) -> str:
    """What would have been found, in words."""
    least = detectable(found, tests)
    if least >= 1:
        return f"among {tests} tests not even the largest difference would be found with a power of {POWER:g}"
    return f"among {tests} tests, {100 * least:.1f} points would be found with a power of {POWER:g}"
