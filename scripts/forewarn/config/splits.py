"""What directions are fitted on shares no category with what detection chooses a layer by and reports.

A study fits directions on the split fit of its evaluation set, and reads them on its detection set. Of sets
of nano's world the categories stand in the configuration. Of two sets of the same file (or of Forewarn's own
questions) they are dealt to the splits by shares and seed, so these must be the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from forewarn.config.model.questions import (
    ItemQuestions,
    WorldCategories,
    WorldCategory,
    WorldEvaluationQuestions,
)
from forewarn.config.problems import Problem, Write
from forewarn.config.raw import is_int, listed, mapping_at


def split_problems(raw: Mapping[str, Any], study: Any) -> Iterator[Problem]:
    """Where the two question sets of a study do not keep their splits apart."""
    names = mapping_at(study, "questions")
    sets = mapping_at(raw, "question_sets")
    evaluation, detection = names.get("evaluation"), names.get("detection")
    if not (isinstance(evaluation, str) and isinstance(detection, str)):
        return
    fitted, tested = mapping_at(sets, evaluation), mapping_at(sets, detection)
    if fitted.get("source") == tested.get("source") == "world":
        yield from _categories(evaluation, fitted, detection, tested)
    elif evaluation != detection and _same_items(fitted, tested):
        yield from _dealt(evaluation, fitted, detection, tested)


def _categories(
    evaluation: str, fitted: Mapping[str, Any], detection: str, tested: Mapping[str, Any]
) -> Iterator[Problem]:
    """Sets of nano's world: the categories that fit directions are not validated or tested on."""
    fit = fitted.get("fit_categories", _default(WorldEvaluationQuestions, "fit_categories"))
    splits = {
        split: mapping_at(tested, "categories").get(split, _default(WorldCategories, split))
        for split in WorldCategories.model_fields
    }
    every = list(get_args(WorldCategory))
    given = every if fit is None else fit
    if not all(_are_categories(names) for names in (given, *splits.values())):
        return
    held = {*splits["validation"], *splits["test"]}
    shared = [name for name in given if name in held]
    if shared:
        left = [name for name in given if name not in held]
        yield Problem(
            ("question_sets", evaluation, "fit_categories"),
            f"categories that {detection} neither validates nor tests on, for directions are read there",
            f"{listed(shared)}, {'which are' if len(shared) > 1 else 'which is'} among them"
            + (" (null takes all)" if fit is None else ""),
            None,
            Write(left or splits["fit"]),
        )


def _dealt(
    evaluation: str, fitted: Mapping[str, Any], detection: str, tested: Mapping[str, Any]
) -> Iterator[Problem]:
    """Two sets of the same items: their categories go to the same splits."""
    for key in ("splits", "seed"):
        wanted, found = (items.get(key, _default(ItemQuestions, key)) for items in (fitted, tested))
        if key == "splits" and isinstance(wanted, Mapping) and isinstance(found, Mapping):
            wanted, found = (_default(ItemQuestions, key) | dict(shares) for shares in (wanted, found))
            told = ", ".join(f"{split} {share}" for split, share in found.items())
        elif key == "seed" and is_int(wanted) and is_int(found):
            told = str(found)
        else:
            continue
        if wanted != found:
            yield Problem(
                ("question_sets", detection, key),
                f"the {key} of {evaluation}, whose split fit would else fit directions on what is tested",
                told,
                None,
                Write(wanted),
            )


def _same_items(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two sets take their questions from one place."""
    origins = [tuple(items.get(key) for key in ("source", "path", "url")) for items in (one, other)]
    return origins[0] == origins[1] and origins[0][0] in ("yaml", "url", "forewarn")


def _default(section: Any, key: str) -> Any:
    value = section.model_fields[key].get_default(call_default_factory=True)
    return value.model_dump() if hasattr(value, "model_dump") else value


def _are_categories(names: Any) -> bool:
    return isinstance(names, list) and set(map(repr, names)) <= set(map(repr, get_args(WorldCategory)))
