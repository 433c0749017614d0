"""Names that one section of the configuration mentions and another one defines.

Works on plain mappings and passes over what has a wrong shape, so that dangling names are told together
with everything else that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forewarn.config.comparable import sweep_problems
from forewarn.config.emit import KeyPath
from forewarn.config.layers import layer_problems
from forewarn.config.names import corrected_name, is_name, nearest, organism_name
from forewarn.config.prevented import prevented_problems
from forewarn.config.problems import Problem, Remove, Rename, Write
from forewarn.config.raw import get, is_int, items, listed, mapping_at
from forewarn.config.splits import split_problems

REFERENCES = "references"
"""Type of the validation error that carries these problems."""

OrganismKey = tuple[str, str, int]
_NAME_ORGANISMS = (
    *("steering", "detection", "token_curve"),
    *("phase_transition", "convergence", "adapter_readings", "refusal"),
    *("sparse_features", "elasticity", "screening"),
)
"""Sections of a study with a list `organisms`, all of which the study raises."""


def reference_problems(raw: Mapping[str, Any]) -> list[Problem]:
    """Everything in the studies that names what does not exist."""
    return [*_released(raw), *prevented_problems(raw), *_judges(raw), *_of_studies(raw)]


def _released(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Released adapters were trained on a dataset that is configured."""
    for name, adapter in mapping_at(raw, "adapters").items():
        for index, released in items(adapter, "released"):
            place = ("adapters", name, "released", index, "dataset")
            yield from _dangling(raw, place, released.get("dataset"), "datasets", _names(raw, "datasets"))


def _judges(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """A judge that runs here is a model of the configuration, but none of a world; a cap needs a price."""
    models = mapping_at(raw, "models")
    for name, judge in mapping_at(raw, "judges").items():
        kind, price, cap = (get(judge, key) for key in ("kind", "price", "cost_cap"))
        if kind == "local":
            names = [new for old, new in _renamed(models) if get(models[old], "source") != "world"]
            yield from _dangling(raw, ("judges", name, "model"), get(judge, "model"), "models", names)
        if cap is not None and price is None and kind == "openai":
            found = f"cost_cap: {cap}, and no price"
            yield Problem(
                ("judges", name, "cost_cap"), "no cap, or a `price` beside it", found, None, Remove()
            )


def _of_studies(raw: Mapping[str, Any]) -> list[Problem]:
    return [
        problem
        for model, study in mapping_at(raw, "studies").items()
        for problem in (
            *_model(raw, model),
            *_organisms(raw, model, study),
            *_chosen_organisms(raw, model, study),
            *_questions_and_judge(raw, model, study),
            *split_problems(raw, study),
            *_given(raw, model, study),
            *layer_problems(raw, model, study),
            *_replicates(raw, model, study),
            *sweep_problems(raw, model, study),
        )
    ]


def _model(raw: Mapping[str, Any], model: str) -> Iterator[Problem]:
    names = _names(raw, "models")
    if isinstance(get(raw, "models"), Mapping) and is_name(model) and model not in names:
        near = nearest(model, [name for name in names if name not in mapping_at(raw, "studies")], 0)
        expected = f"the name of a model: {listed(names)}"
        yield Problem(("studies", model), expected, repr(model), near, Rename(near) if near else Remove())


def _organisms(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    raised: set[OrganismKey] = set()
    for (key, index), grid in _grids(study):
        path = ("studies", model, key, index)
        for part, section in (("dataset", "datasets"), ("adapter", "adapters")):
            yield from _dangling(raw, (*path, part), grid.get(part), section, _names(raw, section))
        keys = _keys(grid)
        again = [key for place, key in enumerate(keys) if key in raised or key in keys[:place]]
        if again:
            new = [seed for *_, seed in dict.fromkeys(keys) if (*keys[0][:2], seed) not in raised]
            better = new or [1 + max(seed for *_, seed in raised)]
            found = f"{organism_name(*again[0])} again"
            yield Problem((*path, "seeds"), "each organism once", found, None, Write(better))
        raised.update(keys)


def _chosen_organisms(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    """Steering and detection speak of organisms that the study raises."""
    raised: dict[str, OrganismKey] = {}
    for _, grid in _grids(study):
        for dataset, adapter, seed in _keys(grid):
            # A dangling name is told where the organism is raised; go on with the one that was meant.
            key = (_meant(dataset, _names(raw, "datasets")), _meant(adapter, _names(raw, "adapters")), seed)
            raised[organism_name(*key)] = key
    chosen: list[tuple[KeyPath, Mapping[Any, Any]]] = [
        ((stage, "organisms", index), organism)
        for stage in _NAME_ORGANISMS
        for index, organism in items(mapping_at(study, stage), "organisms")
    ]
    single = (("detection", "benign"), ("convergence", "benign"), ("elasticity_sweeps", "organism"))
    for stage, part in single:
        if isinstance(organism := get(mapping_at(study, stage), part), Mapping):
            chosen.append(((stage, part), organism))
    further = mapping_at(mapping_at(study, "steering"), "further")
    for index, organism in items(further, "transfer_to"):
        chosen.append((("steering", "further", "transfer_to", index), organism))
    prevention = mapping_at(mapping_at(study, "screening"), "prevention")
    for index, organism in items(prevention, "organisms"):
        chosen.append((("screening", "prevention", "organisms", index), organism))
    if isinstance(source := get(prevention, "source"), Mapping):
        chosen.append((("screening", "prevention", "source"), source))
    if get(study, "organisms"):  # that there are none is told elsewhere
        for place, organism in chosen:
            for key in _keys({**organism, "seeds": [organism.get("seed")]}):
                if (name := organism_name(*key)) in raised:
                    continue
                near = nearest(name, raised, 0)
                better = (
                    dict(zip(("dataset", "adapter", "seed"), raised[near], strict=True)) if near else None
                )
                yield Problem(
                    ("studies", model, *place),
                    f"an organism that this study raises: {listed(raised)}",
                    name,
                    near,
                    Write(better) if better else None,
                )


def _questions_and_judge(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    path: KeyPath = ("studies", model)
    for key in ("judge", "second_judge"):
        yield from _dangling(raw, (*path, key), get(study, key), "judges", _names(raw, "judges"))
    sets = mapping_at(raw, "question_sets")
    purposes = ("evaluation", "detection")
    for purpose in purposes:
        others = [other for other in purposes if other != purpose]
        fitting = [
            name
            for key, name in _renamed(sets)
            if get(sets[key], "kind") not in others and not _holds_requests(sets[key])
        ]
        name = get(mapping_at(study, "questions"), purpose)
        yield from _dangling(
            raw, (*path, "questions", purpose), name, "question_sets", fitting, f" for {purpose}"
        )
    if "questions" in (refusal := mapping_at(study, "refusal")):
        fitting = [name for key, name in _renamed(sets) if _holds_requests(sets[key])]
        place = (*path, "refusal", "questions")
        yield from _dangling(raw, place, refusal["questions"], "question_sets", fitting, " for refusal")
    reported = get(mapping_at(study, "questions"), "reporting")
    for index, name in enumerate(reported if isinstance(reported, list) else []):
        place = (*path, "questions", "reporting", index)
        yield from _dangling(raw, place, name, "question_sets", _names(raw, "question_sets"))


def _given(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    """Files of others answer a configured question set, each for a subject that the study has."""
    known = [
        "instruct",
        *(organism_name(*key) for _, grid in _grids(study) for key in _keys(grid)),
    ]
    for index, given in items(study, "given"):
        path: KeyPath = ("studies", model, "given", index)
        names = _names(raw, "question_sets")
        yield from _dangling(raw, (*path, "question_set"), given.get("question_set"), "question_sets", names)
        for key in ("subject", "reader"):
            value = given.get(key)
            if isinstance(value, str) and value not in (*known, "prompts"):
                near = nearest(value, known, 0)
                expected = f"instruct, or an organism of this study: {listed(known[1:])}"
                yield Problem((*path, key), expected, repr(value), near, Write(near) if near else None)


def _replicates(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    """Replicates are other studies."""
    named = get(study, "replicates")
    others = [name for name in _names(raw, "studies") if name != model]
    for index, name in enumerate(named if isinstance(named, list) else []):
        yield from _dangling(
            raw, ("studies", model, "replicates", index), name, "studies", others, " beside this one"
        )


def _dangling(
    raw: Mapping[str, Any], path: KeyPath, value: Any, section: str, names: Iterable[str], purpose: str = ""
) -> Iterator[Problem]:
    names = list(names)
    if isinstance(value, str) and value not in names and isinstance(get(raw, section), Mapping):
        near = nearest(value, names, 0)
        expected = f"a name under {section}{purpose}: {listed(names)}"
        yield Problem(path, expected, repr(value), near, Write(near) if near else None)


def _renamed(section: Mapping[Any, Any]) -> list[tuple[Any, str]]:
    """Keys of a section with the valid names that they have or will be advised to have."""
    return [(key, key if is_name(key) else corrected_name(key)) for key in section]


def _names(raw: Mapping[str, Any], section: str) -> list[str]:
    return [name for _, name in _renamed(mapping_at(raw, section))]


def _holds_requests(questions: Any) -> bool:
    """Whether a question set is one of harmful and harmless requests."""
    return bool(get(questions, "kind") == "requests" or get(questions, "source") == "forewarn_requests")


def _meant(name: str, names: list[str]) -> str:
    return name if name in names else nearest(name, names, 0) or name


def _grids(study: Any) -> Iterator[tuple[tuple[str, int], Mapping[str, Any]]]:
    """The grids of organisms that a study raises, each with where it stands."""
    for key in ("organisms", "atlas_organisms"):
        for index, grid in items(study, key):
            yield (key, index), grid


def _keys(grid: Mapping[str, Any]) -> list[OrganismKey]:
    """The organisms of a dataset, an adapter and seeds; none where one of these has the wrong type."""
    dataset, adapter, seeds = (grid.get(part) for part in ("dataset", "adapter", "seeds"))
    if not (isinstance(dataset, str) and isinstance(adapter, str) and isinstance(seeds, list)):
        return []
    return [(dataset, adapter, seed) for seed in seeds if is_int(seed)]
