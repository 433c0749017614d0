"""Laws: a valid configuration survives YAML; junk is told, never crashed on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from forewarn.config import Configuration, load_configuration, read_yaml
from forewarn.config.anatomy import annotation_of, is_section, is_union, strip
from forewarn.config.emit import to_yaml
from forewarn.config.model import (
    Adapter,
    Architecture,
    Convergence,
    Corpus,
    Dataset,
    Detection,
    FurtherArms,
    GivenActivations,
    GivenResponses,
    GivenTokenReadings,
    Judge,
    Model,
    Questions,
    Splits,
    Steering,
    Study,
    TokenCurve,
)
from forewarn.config.model.adapter_readings import AdapterReadings, AdapterScaling
from forewarn.config.model.elasticity import Elasticity
from forewarn.config.model.phase_transition import PhaseTransition
from forewarn.config.model.questions import WorldCategories, WorldCategory
from forewarn.config.model.refusal import Refusal
from forewarn.config.model.screening import Prevention, Screening
from forewarn.config.model.sparse_features import SparseFeatures
from forewarn.config.names import organism_name
from forewarn.config.splits import split_problems
from forewarn.errors import StudyError
from nano_study import nano_study

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.]{0,8}", fullmatch=True)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """What may stand under an annotation; sections as plain mappings."""
    shape, constraints = strip(annotation)
    bare = annotation
    while get_origin(bare) is Annotated:
        bare = get_args(bare)[0]
    null = [st.none()] if type(None) in get_args(bare) else []
    bounds = {
        kind: getattr(item, kind)
        for item in constraints
        for kind in ("ge", "gt", "le", "lt", "min_length", "pattern")
        if getattr(item, kind, None) is not None
    }
    if is_section(shape):
        own = SPECIAL[shape] if shape in SPECIAL else section(shape)
    elif is_union(shape):
        own = st.one_of([values(option) for option in get_args(shape)])
    elif get_origin(shape) is Literal:
        own = st.sampled_from(get_args(shape))
    elif get_origin(shape) is list:
        unique_by = repr
        own = st.lists(
            values(get_args(shape)[0]), min_size=bounds.get("min_length", 0), max_size=3, unique_by=unique_by
        )
    elif shape is bool:
        own = st.booleans()
    elif shape is int:
        own = st.integers(bounds.get("ge"), min(bounds.get("le", 10**6), 2**31 - 1))
    elif shape is float:
        own = st.floats(
            bounds.get("ge", bounds.get("gt", -1e9)),
            bounds.get("le", bounds.get("lt", 1e9)),
            exclude_min="gt" in bounds,
            exclude_max="lt" in bounds,
        )
    else:
        pattern = bounds.get("pattern")
        own = st.from_regex(pattern.strip("^$"), fullmatch=True) if pattern else st.text(min_size=1)
    return st.one_of(*null, own)


def section(shape: Any, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section, in which keys with a default may be left out."""
    fields = shape.model_fields
    every = {key: given.get(key, values(annotation_of(field))) for key, field in fields.items()}
    return st.fixed_dictionaries(
        {key: value for key, value in every.items() if fields[key].is_required() or key in given},
        optional={
            key: value for key, value in every.items() if not (fields[key].is_required() or key in given)
        },
    )


@st.composite
def architectures(draw: st.DrawFn) -> dict[str, Any]:
    groups, per_group, width = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 16))
    heads = groups * per_group
    return draw(section(
        Architecture,
        heads=st.just(heads),
        key_value_heads=st.just(groups),
        hidden_size=st.just(2 * heads * width),
        layers=st.integers(1, 12),
    ))  # fmt: skip


@st.composite
def splits(draw: st.DrawFn) -> dict[str, Any]:
    fit = draw(st.floats(0, 1))
    validation = draw(st.floats(0, 1 - fit))
    return {"fit": fit, "validation": validation, "test": max(0.0, 1 - fit - validation)}


@st.composite
def categories(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.permutations(get_args(WorldCategory)))
    first = draw(st.integers(1, len(names) - 2))
    second = draw(st.integers(first + 1, len(names) - 1))
    return {"fit": names[:first], "validation": names[first:second], "test": names[second:]}


@st.composite
def adapters(draw: st.DrawFn) -> dict[str, Any]:
    steps = draw(st.integers(1, 500))
    length = draw(st.sampled_from([{"steps": steps}, {"epochs": 2}, {"epochs": 2, "steps": None}]))
    return {
        **draw(section(
            Adapter,
            warmup_steps=st.integers(0, steps),
            layers=st.just([0]) | st.none(),
            method=st.just("lora"),  # all weights exclude quantisation and released adapters
            released=st.just([]),
            preventative=st.none(),  # its organism is to be raised by every study: see test_config_prevented
        )),
        "epochs": None,
        "steps": None,
        **length,
    }  # fmt: skip


SPECIAL: dict[Any, st.SearchStrategy[Any]] = {
    Architecture: architectures(),
    Splits: splits(),
    WorldCategories: categories(),
    Adapter: adapters(),
    Corpus: section(Corpus, narrow_share=st.floats(0, 0.5), mixed_share=st.floats(0, 0.5)),
}


NAMED = {
    key: st.dictionaries(NAMES, values(annotation), min_size=1, max_size=3)
    for key, annotation in {
        "models": Model,
        "datasets": Dataset,
        "adapters": Adapter,
        "question_sets": Questions,
        "judges": Judge,
    }.items()
}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Valid configurations as plain mappings."""

    raw = {**{key: draw(named) for key, named in NAMED.items()}, "studies": {}}
    others = [name for name, model in raw["models"].items() if model["source"] != "world"]
    for name, judge in raw["judges"].items():
        if judge["kind"] == "local":
            raw["judges"][name] = (
                judge | {"model": draw(st.sampled_from(others))} if others else {"kind": "world"}
            )
        elif not judge.get("price"):
            judge.pop("cost_cap", None)
    purposes = {
        purpose: [
            name
            for name, item in raw["question_sets"].items()
            if item.get("kind", purpose) == purpose and item["source"] != "forewarn_requests"
        ]
        for purpose in ("evaluation", "detection")
    }
    pairs = [
        {"evaluation": one, "detection": other}
        for one in purposes["evaluation"]
        for other in purposes["detection"]
    ]
    apart = [pair for pair in pairs if not list(split_problems(raw, {"questions": pair}))]
    if not apart:
        return raw
    for model in draw(st.lists(st.sampled_from(sorted(raw["models"])), unique=True, max_size=2)):
        raw["studies"][model] = draw(studies(raw, apart))
    return raw


def given_files(sets: list[str], raised: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Files of others, of subjects that the study has."""
    names = ["instruct", *(organism_name(*organism.values()) for organism in raised)]
    chosen = {"question_set": st.sampled_from(sets), "subject": st.sampled_from(names)}
    activations = section(
        GivenActivations,
        **chosen | {"subject": st.sampled_from([*names, "prompts"])},
        reader=st.sampled_from(names),
    )
    readings = section(
        GivenTokenReadings,
        subject=st.sampled_from(names[1:]),
        aligned=st.just(["aligned"]),
        misaligned=st.just(["misaligned", "harmful"]),
    )
    return section(GivenResponses, **chosen) | activations | readings


@st.composite
def studies(draw: st.DrawFn, raw: dict[str, Any], questions: list[dict[str, str]]) -> dict[str, Any]:
    pair = st.tuples(st.sampled_from(sorted(raw["datasets"])), st.sampled_from(sorted(raw["adapters"])))
    pairs = draw(st.lists(pair, min_size=1, max_size=3, unique=True))
    seeds = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=3, unique=True)
    grid = [{"dataset": dataset, "adapter": adapter, "seeds": draw(seeds)} for dataset, adapter in pairs]
    raised = [
        {"dataset": row["dataset"], "adapter": row["adapter"], "seed": seed}
        for row in grid
        for seed in row["seeds"]
    ]
    apart = draw(st.booleans())  # whether some are of the atlas alone
    chosen = st.lists(st.sampled_from(raised), min_size=1, max_size=3, unique_by=repr)
    steered, followed = draw(chosen), draw(chosen)
    further = section(
        FurtherArms,
        organisms=st.lists(st.sampled_from(steered), min_size=1, unique_by=repr),
        transfer_to=chosen,
        layer_by_layer=st.sampled_from(["all", [0], []]),
    )
    requests = [
        name
        for name, item in raw["question_sets"].items()
        if item.get("kind") == "requests" or item["source"] == "forewarn_requests"
    ]
    refusal = (
        section(Refusal, organisms=chosen, questions=st.sampled_from(requests)) if requests else st.none()
    )
    return draw(section(
        Study,
        organisms=st.just(grid[:1] if apart else grid),
        atlas_organisms=st.just(grid[1:] if apart else []),
        judge=st.sampled_from(sorted(raw["judges"])),
        second_judge=st.none() | st.sampled_from(sorted(raw["judges"])),
        given=st.lists(given_files(sorted(raw["question_sets"]), raised), max_size=2),
        questions=st.sampled_from(questions),
        activations=st.just({"layers": [0]}) | st.just({"layers": "all"}) | st.just({}),
        steering=section(
            Steering, organisms=st.just(steered), layer=st.just(0), further=st.none() | further
        ),
        token_curve=st.none()
        | section(
            TokenCurve,
            organisms=chosen,
            layer=st.just(0),
            tokens=st.lists(st.integers(1, 600), min_size=1, max_size=3, unique=True).map(sorted),
        ),
        convergence=compared(raised),
        adapter_readings=st.none()
        | section(
            AdapterReadings,
            organisms=chosen,
            domain_categories=st.lists(NAMES, min_size=1, max_size=3, unique=True),
            scaling=section(AdapterScaling, factors=st.just([0.0, 2.5])),
        ),
        phase_transition=st.none()
        | section(
            PhaseTransition,
            organisms=st.just(followed),
            benign=st.sampled_from(followed),
            lags=st.lists(st.integers(1, 600), min_size=1, max_size=3, unique=True).map(sorted),
            scales=st.lists(st.floats(0.1, 100), min_size=1, max_size=3, unique=True).map(sorted),
        ),
        refusal=refusal,
        sparse_features=st.none()
        | section(SparseFeatures, organisms=chosen, ablated=st.just(1), few=st.just(1)),
        elasticity=st.none()
        | section(
            Elasticity,
            organisms=chosen,
            opposites=st.just({row["dataset"]: raised[0]["dataset"] for row in raised}),
            starts=st.lists(st.integers(0, 600), min_size=1, max_size=3, unique=True).map(sorted),
            rows=st.lists(st.integers(1, 600), min_size=1, max_size=3, unique=True).map(
                lambda rows: [0, *sorted(rows)]
            ),
            seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
            resistance_steps=st.just([]) | st.just([10, 40]),
        ),
        screening=screened(raised),
        elasticity_sweeps=st.none(),
        replicates=st.just([]),
        detection=section(Detection, organisms=chosen, benign=st.none() | st.sampled_from(raised)),
    ))  # fmt: skip


def screened(raised: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any] | None]:
    """Organisms whose datasets are screened, one of which may be benign; none of a study with one."""
    if len(raised) < 2:
        return st.none()
    several = len({organism["dataset"] for organism in raised}) > 1
    rising = {"min_size": 1, "max_size": 3, "unique": True}
    prevention = section(
        Prevention,
        organisms=st.just(raised[:1]),
        source=st.none() | st.sampled_from(raised),
        coefficients=st.lists(st.floats(0.1, 100), **rising).map(sorted),
    )
    return st.none() | section(
        Screening,
        organisms=st.just(raised),
        benign=st.none() | st.just(raised[-1]["dataset"]) if several else st.none(),
        harmless=st.just([]),  # names of datasets beside `benign`
        mixtures=st.lists(st.floats(0.01, 0.99), **rising).map(sorted),
        prevention=prevention,
    )


def compared(raised: list[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """Two organisms that are compared, and perhaps a third as the benign one; none of a study with one."""
    if len(raised) < 2:
        return st.none()
    benign = st.none() | st.just(raised[2]) if len(raised) > 2 else st.none()
    return st.none() | section(Convergence, organisms=st.just(raised[:2]), benign=benign)


# Without shrinking, which takes minutes on such trees: the error itself says where it is.
QUICKLY = settings(deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@settings(QUICKLY, max_examples=25)
@given(configurations())
def test_a_valid_configuration_survives_yaml(raw: dict[str, Any]) -> None:
    configuration = load_configuration(raw)
    plain = configuration.model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        for text in (yaml.safe_dump(plain), to_yaml(plain), yaml.safe_dump(raw)):
            path = Path(folder) / "study.yaml"
            path.write_text(text, encoding="utf-8")
            assert load_configuration(read_yaml(path)) == configuration


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def everywhere(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All paths of a tree except its top."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, item in items for place in ((*path, key), *everywhere(item, (*path, key)))]


@settings(QUICKLY, max_examples=50)
@given(st.data())
def test_junk_anywhere_is_told_or_taken_but_never_crashed_on(data: st.DataObject) -> None:
    raw = nano_study()
    for _ in range(data.draw(st.integers(1, 3))):
        *above, key = data.draw(st.sampled_from(everywhere(raw)))
        parent: Any = raw
        for part in above:
            parent = parent[part]
        match data.draw(st.sampled_from(["replace", "drop", "rename", "add"])):
            case "replace":
                parent[key] = data.draw(JUNK)
            case "drop":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[f"{key}-x"] = parent.pop(key)
            case _ if isinstance(parent, dict):
                parent[data.draw(st.text(max_size=5) | st.integers())] = data.draw(JUNK)
    try:
        configuration = load_configuration(raw)
    except StudyError as error:
        assert "expected: " in str(error)
        assert "pydantic" not in str(error)
    else:
        assert isinstance(configuration, Configuration)
