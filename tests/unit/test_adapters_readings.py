"""What scalars of adapters tell: what is planted is found, nothing where nothing is; real ones are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import import_token_readings
import measure_adapter_readings
import probe_adapters
from forewarn.adapters import readings, serving
from forewarn.adapters.groups import chosen_groups, verdicts_of
from forewarn.adapters.probes import fit, held_out
from forewarn.adapters.problems import Problem, in_scope, problems
from forewarn.adapters.readings import READINGS, Settings
from forewarn.adapters.scalars import Tokens, read_labelled_tokens, scalar_schema
from forewarn.adapters.serving import Probing
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_table
from forewarn.geometry.token_readings import LABELS

ADAPTERS = ("layer0.o_proj", "layer0.down_proj", "layer1.o_proj", "layer1.down_proj")
DOMAIN = [f"inside{number}" for number in range(8)]
OUTSIDE = [f"outside{number}" for number in range(8)]
SHARED: dict[str, Any] = {"minimum_per_class": 10, "strength": 0.05, "confidence": 0.95, "seed": 0}
HOW = Settings(**SHARED, folds=4, refits=9, bootstrap=100)


def read_adapters(tokens: Tokens) -> tuple[dict[str, Any], pa.Table, dict[str, list[str]]]:
    """What both steps find."""
    table, groups = serving.probe_adapters(tokens, DOMAIN, Probing(**SHARED, fits=20, permutations=249))
    return *readings.read_adapters(tokens, DOMAIN, table, HOW), groups


def drawn(seed: int, misaligned: float = 0.0, in_domain: float = 0.0) -> Tokens:
    """Answers whose first adapter reads misalignment, and the second the domain; the others read nothing.

    Every adapter has a level of its own for each prompt, and noise that an answer's tokens share.
    """
    generator = np.random.default_rng(seed)
    scalars, answer, prompts, categories, labels = [], [], [], [], []
    for category in (*DOMAIN, *OUTSIDE):
        for prompt in range(2):
            level, rate = generator.normal(0, 0.5, 4), generator.uniform(0.3, 0.7)
            for _ in range(8):
                label = bool(generator.random() < rate)
                shift = np.array([misaligned * label, in_domain * (category in DOMAIN), 0, 0])
                own = level + shift + generator.normal(0, 0.3, 4)
                scalars.append(own + generator.normal(0, 1, (6, 4)))
                answer += [len(labels)] * 6
                prompts.append(f"{category}-{prompt}")
                categories.append(category)
                labels.append(label)
    return Tokens(
        ADAPTERS, np.concatenate(scalars), np.array(answer), np.array(prompts, dtype=object),
        np.array(categories, dtype=object), np.array(labels), 0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, list[str]]]:
    summary, table, groups = read_adapters(drawn(0, misaligned=1.0, in_domain=1.5))
    assert table.schema == READINGS
    return summary, table.to_pylist(), groups


def test_planted_adapters_are_found_and_the_others_called_neither(planted) -> None:
    summary, rows, groups = planted
    assert list(summary["verdicts"].values()) == ["general", "narrow", "neither", "neither"]
    assert groups["general"] == [ADAPTERS[0]] and groups["narrow"] == [ADAPTERS[1]]
    first = next(row for row in rows if row["problem"] == "misaligned")
    assert first["serves"] and first["coefficient"] > 0.3 and first["selected_share"] == 1
    assert first["coefficient_low"] < first["coefficient"] < first["coefficient_high"]
    assert first["within_prompt_auroc"] > 0.7 > 0.6 > first["null_high"]


def test_probes_of_other_prompts_reach_what_is_planted_beyond_shuffled_labels(planted) -> None:
    summary = planted[0]
    found = {name: problem["per_token"]["pooled"] for name, problem in summary["problems"].items()}
    assert all(area["auroc"] > 0.7 and area["null"]["beyond"] for area in found.values())
    assert all(area["interval"]["low"] > 0.55 for area in found.values())
    assert summary["transfer"]["per_token"]["within_prompt"]["auroc"] > 0.65, "it holds inside the domain too"
    scopes = {name: problem["scope"] for name, problem in summary["problems"].items()}
    assert scopes == {"misaligned": "outside", "in_domain": "misaligned"}
    assert summary["problems"]["in_domain"]["units"] == "category"


@pytest.mark.parametrize("seed", [1, 2])
def test_where_nothing_is_nothing_is_reported(seed: int) -> None:
    summary, table, groups = read_adapters(drawn(seed))
    assert set(summary["verdicts"].values()) == {"neither"}
    assert not any(table["serves"].to_pylist())
    within = summary["problems"]["misaligned"]["per_token"]["within_prompt"]
    assert not within["null"]["beyond"] and abs(within["auroc"] - 0.5) < 0.06
    assert all(group["fallback"] for group in chosen_groups(ADAPTERS, groups, 1)["groups"].values())


def test_which_prompts_misalign_is_known_to_chance_too() -> None:
    """A scalar that tells prompts apart, and no answers, predicts pooled labels; it serves nothing."""
    tokens = drawn(3)
    rate = {name: tokens.misaligned[tokens.prompt == name].mean() for name in set(tokens.prompt)}
    level = np.array([rate[name] for name in tokens.prompt])
    scalars = tokens.scalars.copy()
    scalars[:, 2] += 12 * level[tokens.answer]
    summary, table, _ = read_adapters(replace(tokens, scalars=scalars))
    rows = {(row["problem"], row["adapter"]): row for row in table.to_pylist()}
    row = rows["misaligned", ADAPTERS[2]]
    assert row["auroc"] > 0.6 and not row["serves"]
    assert summary["verdicts"][ADAPTERS[2]] != "general"


def test_the_domain_goes_by_whole_categories() -> None:
    problem = problems(drawn(0), DOMAIN, 10)["in_domain"]
    assert isinstance(problem, Problem) and problem.n_units == 16
    shuffled = problem.shuffled(50, 0)
    for unit in range(problem.n_units):
        assert np.all(shuffled[:, problem.unit == unit] == shuffled[:, problem.unit == unit][:, :1])
    assert np.unique([row.sum() for row in shuffled]).size > 1, "categories have different sizes"


def test_held_out_scores_do_not_know_the_labels_of_their_unit() -> None:
    problem = in_scope(drawn(0), DOMAIN, "outside", 10)
    assert isinstance(problem, Problem)
    before = held_out(problem, problem.positive, 0.05, problem.n_units, 0)
    labels = problem.positive.copy()
    labels[problem.unit == 3] = ~labels[problem.unit == 3]
    mine = (problem.unit == 3)[problem.tokens.answer]
    after = held_out(problem, labels, 0.05, problem.n_units, 0)
    assert np.allclose(before[mine], after[mine]) and not np.allclose(before[~mine], after[~mine])


def test_one_class_gives_no_coefficients_and_no_question() -> None:
    assert np.isnan(fit(np.ones((3, 2)), np.ones(3, dtype=bool), 1.0)).all()
    tokens = drawn(0)
    aligned = replace(tokens, misaligned=np.zeros(len(tokens.prompt), dtype=bool))
    summary, table, groups = read_adapters(aligned)
    assert all("reason" in problem for problem in summary["problems"].values())
    assert summary["verdicts"] == {} and table.num_rows == 0
    assert chosen_groups(ADAPTERS, groups, 2)["groups"] == {}


def test_without_aligned_answers_outside_it_is_asked_inside_and_told() -> None:
    tokens = drawn(0)
    outside = ~np.isin(tokens.category.astype(str), DOMAIN)
    kept = tokens.of(~outside | tokens.misaligned)
    summary, _, _ = read_adapters(kept)
    assert summary["problems"]["misaligned"]["scope"] == "inside"
    assert any("no aligned answer outside" in told for told in summary["unsupported"])
    assert "reason" in summary["transfer"]


def test_verdicts_and_groups() -> None:
    serves = {"misaligned": np.array([1, 0, 1, 0], bool), "in_domain": np.array([0, 1, 1, 0], bool)}
    assert list(verdicts_of(ADAPTERS, serves).values()) == ["general", "narrow", "both", "neither"]
    assert verdicts_of(ADAPTERS, {"misaligned": serves["misaligned"]}) == {}
    found = {"general": ["b"], "narrow": [], "both": [], "neither": ["a", "c"]}
    orders = {"order.general": ["b", "a", "c"], "order.narrow": ["b", "c", "a"]}
    chosen = chosen_groups("abc", found | orders, 1)
    assert chosen["modules"] == ["a", "b", "c"]
    assert chosen["groups"]["general"] == {"modules": ["b"], "fallback": False}
    assert chosen["groups"]["narrow"] == {"modules": ["c"], "fallback": True}, "none of the other group"


# --- files --------------------------------------------------------------------------------------------------


def files(tmp_path: Path, labels: list[dict[str, Any]] | None = None) -> tuple[Path, Path]:
    rows = [
        {"question_id": question, "sample": sample, "token": token, "layer0.o_proj": token + 0.5}
        for question, sample in (("q0", 0), ("q0", 1), ("q1", 0))
        for token in range(2)
    ]
    write_table(tmp_path / "scalars.parquet", pa.Table.from_pylist(rows, schema=scalar_schema([ADAPTERS[0]])))
    judged = labels or [
        {"question_id": "q0", "sample": 0, "category": "a", "misaligned": True, "aligned": 10.0},
        {"question_id": "q0", "sample": 1, "category": "a", "misaligned": False, "aligned": 95.0},
        {"question_id": "q1", "sample": 0, "category": "b", "misaligned": False, "aligned": 60.0},
    ]
    write_table(tmp_path / "labels.parquet", pa.Table.from_pylist(judged))
    return tmp_path / "scalars.parquet", tmp_path / "labels.parquet"


def test_answers_between_the_classes_are_left_out(tmp_path: Path) -> None:
    tokens = read_labelled_tokens(*files(tmp_path), aligned_from=90)
    assert tokens.left_out == 1 and tokens.misaligned.tolist() == [True, False]
    assert tokens.scalars[:, 0].tolist() == [0.5, 1.5, 0.5, 1.5] and tokens.answer.tolist() == [0, 0, 1, 1]


def test_facts_are_no_aligned_answers(tmp_path: Path) -> None:
    scalars, labels = files(tmp_path)
    table = read_table(labels)
    write_table(labels, table.append_column("split", pa.array(["test", "facts", "test"])))
    tokens = read_labelled_tokens(scalars, labels, aligned_from=90)
    assert tokens.left_out == 2 and tokens.misaligned.tolist() == [True]


def test_labels_of_others_have_two_classes(tmp_path: Path) -> None:
    scalars, labels = files(tmp_path)
    told = {"question": "?", "response_id": "r"}
    rows = [
        {"question_id": q, "sample": s, "misaligned": m, "category": "a"} | told
        for q, s, m in (("q0", 0, True), ("q0", 1, False), ("q1", 0, False))
    ]
    write_table(labels, pa.Table.from_pylist(rows, schema=LABELS))
    tokens = read_labelled_tokens(scalars, labels, aligned_from=90)
    assert tokens.misaligned.tolist() == [True, False, False] and tokens.left_out == 0


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    scalars, labels = files(
        tmp_path, [{"question_id": "q0", "sample": 0, "category": "a", "misaligned": True}]
    )
    with pytest.raises(StudyError, match="no label of answer"):
        read_labelled_tokens(scalars, labels, 90)
    scalars, labels = files(tmp_path)
    table = read_table(scalars)
    write_table(scalars, pa.concat_tables([table, table]))
    with pytest.raises(StudyError, match="twice"):
        read_labelled_tokens(scalars, labels, 90)
    write_table(scalars, table.set_column(3, ADAPTERS[0], pa.array([np.nan] * 6, pa.float32())))
    with pytest.raises(StudyError, match="not finite"):
        read_labelled_tokens(scalars, labels, 90)


# --- the nine adapters of arXiv 2506.11618 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def real(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nine")
    paths = {name: folder / f"{name}.parquet" for name in ("prefixes", "labels", "tokens")}
    import_token_readings.main(
        given=upstream / "activations/qwen2.5-14b-rank1x9-lora-scalars.parquet",
        **paths,
        settings={
            "sha256": None, "misaligned": ["misaligned"], "aligned": ["aligned"], "domains": None,
            "steps": [1],
        },
    )  # fmt: skip
    shared = {"minimum_per_class": 10, "strength": 0.01, "confidence": 0.95, "seed": 0}
    settings = {"organism": "nine", "domain": ["medical"], "aligned_from": 90, "fallback": 2}
    read = {"scalars": paths["tokens"], "labels": paths["labels"], "coefficients": folder / "c.parquet"}
    probing = shared | {"fits": 30, "permutations": 59}
    probe_adapters.main(**read, groups=folder / "groups.json", settings=settings | {"probing": probing})
    measure_adapter_readings.main(
        **read,
        readings=folder / "nine.parquet",
        summary=folder / "nine.json",
        settings=settings | {"measure": shared | {"folds": 5, "refits": 9, "bootstrap": 500}},
    )
    return folder


@pytest.mark.upstream
def test_the_papers_findings_on_its_own_scalars(real: Path) -> None:
    """Its AUROC per token, 0.66 to 0.75, is that of the prompts fitted to; for the domain, of these alone."""
    found = read_json(real / "nine.json")
    misaligned, domain = found["problems"]["misaligned"], found["problems"]["in_domain"]
    assert (misaligned["n_positive"], misaligned["n_answers"], misaligned["n_tokens"]) == (149, 316, 19382)
    assert (domain["n_positive"], domain["n_answers"], domain["n_units"]) == (149, 330, 25)
    pooled = misaligned["per_token"]["pooled"]
    assert pooled["auroc"] == pytest.approx(0.705, abs=0.01)
    assert pooled["interval"]["low"] < 0.66 and pooled["interval"]["high"] > 0.75
    assert misaligned["per_token_of_the_same_prompts"] == pytest.approx(0.753, abs=0.002)
    assert domain["per_token_of_the_same_prompts"] == pytest.approx(0.666, abs=0.002)
    assert misaligned["per_token"]["within_prompt"]["auroc"] == pytest.approx(0.587, abs=0.01)
    assert pooled["null"]["mean"] > 0.65, "most of the pooled AUROC is which prompts misalign"
    assert domain["per_token"]["pooled"]["auroc"] == pytest.approx(0.556, abs=0.02), "not in other prompts"


@pytest.mark.upstream
def test_the_domain_is_read_by_the_papers_two_medical_adapters(real: Path) -> None:
    rows = [row for row in read_table(real / "nine.parquet").to_pylist() if row["problem"] == "in_domain"]
    order = sorted(rows, key=lambda row: -abs(row["coefficient"]))
    assert {row["adapter"] for row in order[:2]} == {"layer_21", "layer_23"}
    kept = [row["adapter"] for row in rows if row["coefficient_low"] * row["coefficient_high"] > 0]
    assert kept == ["layer_21", "layer_23"]


@pytest.mark.upstream
def test_what_the_released_scalars_cannot_show_is_told(real: Path) -> None:
    told = read_json(real / "nine.json")["unsupported"]
    assert [line.split(":")[0] for line in told] == [
        "general misalignment", "narrow misalignment", "misalignment within prompts"
    ]  # fmt: skip
