"""Prevention: the vector is there in training and gone afterwards; planted effects are told, others not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from datasets import Dataset

from forewarn.errors import StudyError
from forewarn.files import write_json, write_tensors
from forewarn.geometry import tensors
from forewarn.models.interventions import Addition, applied
from forewarn.report.prevention import draw_prevention
from forewarn.report.style import write_figure
from forewarn.screening.prevented import summarise_prevention
from forewarn.screening.prevention import added_vector
from forewarn.screening.runs import Prevented, run_of, runs_of
from forewarn.screening.train import LOSSES, kept_apart, row_losses, train_prevented
from forewarn.screening.verdict import narrow_task
from forewarn.statistics.bootstrap import resample
from forewarn.steering.contrasts import Counts, Measurement
from forewarn.steering.responses import RESPONSES
from tiny_models import tiny_model, tiny_tokenizer

CONSTRUCTION = "organism_minus_instruct.last_prompt_token"


def test_names_of_runs_lead_back_to_them():
    runs = runs_of([0.5, 1.0], 2, 1)
    assert len(runs) == 1 + 2 * (1 + 2 + 1) and runs[0] == Prevented("none")
    assert [run_of(run.name) for run in runs] == runs
    for name in ("direction_00_x1", "random_isotropic_x1", "add_1x_direction"):
        with pytest.raises(ValueError, match="no training run"):
            run_of(name)


@pytest.fixture
def directions(tmp_path):
    path = tmp_path / "directions.safetensors"
    vector = np.arange(32, dtype=np.float32)
    tensors.write_tensors(path, {CONSTRUCTION: np.stack([vector, 0 * vector])}, layers=[1, 2])
    return path


def vector_of(name, directions, layer=1):
    return added_vector(run_of(name), directions, directions, construction=CONSTRUCTION, layer=layer, seed=0)


def test_what_is_added_has_the_norm_of_the_direction_times_its_multiple(directions):
    assert vector_of("none", directions) is None
    np.testing.assert_allclose(vector_of("direction_x0.5", directions), 0.5 * np.arange(32))
    random = vector_of("random_isotropic_01_x2", directions)
    assert np.linalg.norm(random) == pytest.approx(2 * np.linalg.norm(np.arange(32)), rel=1e-5)
    assert not np.allclose(random, vector_of("random_isotropic_00_x2", directions))
    with pytest.raises(StudyError, match="no direction"):
        vector_of("direction_x1", directions, layer=2)


RECIPE = {
    "rank": 2, "alpha": 8, "rslora": True, "dropout": 0.0, "target_modules": ["down_proj"], "layers": [0],
    "learning_rate": 0.01, "schedule": "constant", "warmup_steps": 0, "steps": 12, "epochs": None,
    "batch_size": 4, "gradient_accumulation": 1, "weight_decay": 0.0, "optimizer": "adamw",
    "trajectory_every": 12,
}  # fmt: skip
SETTINGS = {
    "adapter": RECIPE,
    "seed": 0,
    "name": "tiny",
    "rows_at_once": 4,
    "held_out": 0.25,
    "split_seed": 0,
}


def examples():
    generator = np.random.default_rng(0)
    rows = [[3, 4, 5, *generator.integers(10, 14, 5).tolist(), 2] for _ in range(16)]
    return Dataset.from_dict({"input_ids": rows, "labels": [[-100] * 3 + row[3:] for row in rows]})


def trained(folder, vector):
    model = tiny_model()
    model.requires_grad_(False)
    folder.mkdir()
    organism, losses = train_prevented(model, tiny_tokenizer(), examples(), vector, 1, SETTINGS, folder)
    return model, organism, losses


def test_the_vector_acts_on_training_and_is_gone_afterwards(tmp_path):
    vector = 3 * np.ones(32, dtype=np.float32)
    _, plain, plain_losses = trained(tmp_path / "plain", None)
    model, organism, losses = trained(tmp_path / "added", vector)
    assert any(not torch.equal(plain.weights[name], organism.weights[name]) for name in plain.weights)
    assert organism.log["loss"][0].as_py() != pytest.approx(plain.log["loss"][0].as_py(), rel=1e-4)
    assert not any(block._forward_hooks for block in model.get_decoder().layers)
    assert losses.schema == LOSSES and len(losses) == 16 and sum(losses["held_out"].to_pylist()) == 4
    assert losses["held_out"] == plain_losses["held_out"]
    # The first loss is that of the untrained model with the vector: what training sees is what hooks do.
    fresh = tiny_model()
    rows = list(zip(examples()["input_ids"], examples()["labels"], strict=True))
    with applied(fresh, [Addition(torch.from_numpy(vector), 1)]):
        _, steered = row_losses(fresh, rows, 4)
    _, unsteered = row_losses(fresh, rows, 4)
    first = organism.log["loss"][0].as_py()
    assert abs(first - np.mean(steered)) < abs(first - np.mean(unsteered))


def test_gradients_pass_through_the_addition():
    model = tiny_model()
    with applied(model, [Addition(torch.ones(32), 1)]):
        loss = model(input_ids=torch.tensor([[3, 4, 5]]), labels=torch.tensor([[3, 4, 5]])).loss
        loss.backward()
    assert all(block.mlp.down_proj.weight.grad.abs().sum() > 0 for block in model.get_decoder().layers)


def test_row_losses_are_those_of_each_row_alone():
    model = tiny_model()
    rows = [([3, 4, 5, 6, 7, 8], [-100, -100, 5, 6, 7, 8]), ([3, 4, 5], [-100, 4, 5])]
    tokens, losses = row_losses(model, rows, 2)
    assert tokens == [4, 2]
    for (ids, labels), loss in zip(rows, losses, strict=True):
        own = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss
        assert loss == pytest.approx(float(own), rel=1e-4)


def test_rows_are_kept_apart_alike_in_all_runs():
    assert kept_apart(40, 0.25, 1).sum() == 10
    np.testing.assert_array_equal(kept_apart(40, 0.25, 1), kept_apart(40, 0.25, 1))
    assert not kept_apart(10, 0.0, 0).any()
    with pytest.raises(StudyError, match="held out"):
        kept_apart(1, 0.9, 0)


def judged(rates, seed=0):
    """Answers of which planted shares are misaligned; `rates` by arm: general and narrow."""
    generator = np.random.default_rng(seed)
    rows = []
    for arm, shares in rates.items():
        for split, share in zip(("test", "narrow"), shares, strict=True):
            for question in range(40):
                for sample in range(5):
                    bad = bool(generator.random() < share)
                    rows.append(
                        dict.fromkeys(RESPONSES.names)
                        | {"subject": "bad", "arm": arm, "operation": "none", "kind": "baseline",
                           "positions": "all", "question_id": f"{split}.{question}", "split": split,
                           "category": "a", "condition": "plain", "sample": sample, "misaligned": bad,
                           "aligned": 10.0 if bad else 90.0, "coherent": 90.0}
                    )  # fmt: skip
    frame = {field.name: [row[field.name] for row in rows] for field in RESPONSES}
    return pa.table({name: pa.array(frame[name], RESPONSES.field(name).type) for name in RESPONSES.names})


def losses_of(mean, seed=0):
    values = mean + 0.1 * np.random.default_rng(seed).normal(size=40)
    return pa.table(
        [
            pa.array(range(40), pa.int32()),
            pa.array([row < 20 for row in range(40)]),
            pa.array([5] * 40, pa.int32()),
            pa.array(values),
        ],
        schema=LOSSES,
    )


RUNS = {"none": (0.4, 0.8), "direction_x1": (0.05, 0.8), "random_isotropic_00_x1": (0.4, 0.8),
        "random_covariance_00_x1": (0.4, 0.8)}  # fmt: skip
MEASURED = Measurement(bootstrap=300)


def arm_of(content, name):
    return next(arm for arm in content["arms"] if arm["arm"] == name)


def test_a_planted_prevention_is_told_with_its_cost(tmp_path):
    rates = {"instruct": (0.0, 0.0), **RUNS}
    losses = {name: losses_of(1.5 if name.startswith("direction") else 1.0) for name in RUNS}
    content = summarise_prevention(judged(rates), losses, MEASURED, 85)
    told = content["prevents"]["1"]
    assert told["prevents"] is True and told["lacks"] == [] and told["learned"] is True
    kept = told["narrow_kept"]
    assert kept["interval"]["low"] < 1 < kept["interval"]["high"] and kept["share"] == pytest.approx(
        1, abs=0.1
    )
    direction = arm_of(content, "direction_x1")
    assert direction["general"]["against_random"]["arms"] == 2
    assert not direction["narrow"]["against_none"]["differs"]
    against = direction["losses"]["held_out"]["against_none"]
    assert against["interval"]["low"] <= 0.5 + 1e-6 and against["interval"]["high"] >= 0.5 - 1e-6
    assert arm_of(content, "none")["general"]["against_none"] is None
    told = content | {"organism": "bad", "source": "other"}
    write_figure(tmp_path / "figure.svg", draw_prevention([told]))
    write_json(tmp_path / "summary.json", told)


def test_where_nothing_was_prevented_nothing_is_told():
    rates = {"instruct": (0.0, 0.0), **dict.fromkeys(RUNS, (0.3, 0.8))}
    content = summarise_prevention(judged(rates), dict.fromkeys(RUNS, losses_of(1.0)), MEASURED, 85)
    told = content["prevents"]["1"]
    assert told["prevents"] is False and told["learned"] is True
    assert not told["against_none"] and not told["against_random"]
    direction = arm_of(content, "direction_x1")
    assert direction["general"]["against_none"]["minimal_detectable"]["difference"] is not None
    assert direction["losses"]["trained"]["against_none"]["value"] == 0


def test_more_multiples_widen_every_interval():
    runs = RUNS | {"direction_x2": (0.05, 0.8)}
    content = summarise_prevention(
        judged({"instruct": (0.0, 0.0), **runs}), {name: losses_of(1.0) for name in runs}, MEASURED, 85
    )
    assert content["confidence"] == 0.95 and content["confidence_each"] == pytest.approx(0.975)
    assert arm_of(content, "direction_x2")["general"]["against_random"] is None
    told = content["prevents"]["2"]
    assert told["prevents"] is None and told["lacks"] == ["no random direction to compare with"]


@pytest.mark.parametrize(
    ("narrow", "coherent", "verdict", "learned", "lack"),
    [
        (0.80, 90.0, True, True, None),
        (0.00, 90.0, False, False, "the narrow task was not learned"),
        (0.15, 90.0, False, False, "the narrow task was not learned"),
        (0.40, 90.0, None, None, "whether the narrow task was learned is not known"),
        (0.80, 40.0, False, True, "answers are not coherent"),
    ],
)
def test_to_stop_learning_or_making_sense_is_no_prevention(narrow, coherent, verdict, learned, lack):
    runs = RUNS | {"direction_x1": (0.05, narrow)}
    table = judged({"instruct": (0.0, 0.0), **runs})
    of_direction = [arm == "direction_x1" for arm in table["arm"].to_pylist()]
    scores = pa.array([coherent if mine else 90.0 for mine in of_direction], RESPONSES.field("coherent").type)
    table = table.set_column(table.schema.get_field_index("coherent"), RESPONSES.field("coherent"), scores)
    content = summarise_prevention(table, dict.fromkeys(runs, losses_of(1.0)), MEASURED, 85)
    told = content["prevents"]["1"]
    assert told["against_none"] and told["against_random"]
    assert told["prevents"] is verdict and told["learned"] is learned
    assert told["lacks"] == ([] if lack is None else [lack])
    assert told["coherent"] is (coherent > 85)


def test_where_plain_training_taught_nothing_of_the_narrow_task_no_verdict_is_given():
    runs = RUNS | {"none": (0.4, 0.0), "direction_x1": (0.05, 0.0)}
    content = summarise_prevention(
        judged({"instruct": (0.0, 0.0), **runs}), dict.fromkeys(runs, losses_of(1.0)), MEASURED, 85
    )
    task = arm_of(content, "direction_x1")["narrow_task"]
    assert task["learned"] is None and task["kept"] is None and "did not measurably" in task["reason"]
    assert task["taught"]["minimal_detectable"]["difference"] > 0
    assert content["prevents"]["1"]["prevents"] is None


def test_the_verdict_of_the_narrow_task_errs_rarely_at_its_border():
    """At half of what was taught, neither verdict may come up more often than the level allows."""
    how, verdicts = Measurement(bootstrap=200), []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        # Prompts differ: the answers to one of them are no independent draws.
        easy = generator.beta(2, 2, size=40)

        def counts(share, easy=easy, generator=generator):
            bad = generator.binomial(5, np.clip(2 * share * easy, 0, 1))
            return Counts(bad, np.full(40, 5), np.full(40, 450.0), np.full(40, 5))

        drawn = resample(40, how.bootstrap, seed)
        verdicts.append(narrow_task(counts(0.2), counts(0.4), counts(0.0), drawn, how)["learned"])
    assert verdicts.count(None) >= 52 and verdicts.count(True) <= 6 and verdicts.count(False) <= 6


def test_without_a_run_to_compare_with_there_is_no_summary():
    with pytest.raises(StudyError, match="no training run without"):
        summarise_prevention(judged(RUNS), {"direction_x1": losses_of(1.0)}, MEASURED, 85)


def test_an_adapter_of_another_run_answers(tmp_path):
    from forewarn.screening.answers import answer_prevented
    from forewarn.steering.responses import GENERATED

    _, organism, _ = trained(tmp_path / "run", None)
    folder = tmp_path / "adapters" / "none"
    folder.mkdir(parents=True)
    write_tensors(folder / "adapter_model.safetensors", organism.weights, format="pt")
    write_json(folder / "adapter_config.json", organism.config)
    questions = pa.table(
        {
            "question_id": ["q"], "category": ["a"], "condition": ["plain"], "split": ["test"],
            "prompt": ["x"], "token_ids": [[3, 4, 5]], "samples": [2], "temperature": [1.0],
        }
    )  # fmt: skip
    settings = {"organism": "bad", "seed": 0, "sampling": {"max_new_tokens": 4, "batch_rows": 4}}
    found = answer_prevented(
        tiny_model(), tiny_tokenizer(), {"none": folder}, questions, settings, tmp_path / "work"
    )
    assert found.schema == GENERATED
    assert found["arm"].to_pylist() == ["instruct"] * 2 + ["none"] * 2
