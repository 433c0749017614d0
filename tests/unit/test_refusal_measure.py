"""The procedure on a tiny model with a planted refusal direction, and on models without."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import write_json, write_table
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.tensors import write_tensors
from forewarn.models.interventions import Ablation
from forewarn.refusal.candidates import differences, position_name, read_kept
from forewarn.refusal.measure import Scoring, read_requests, score_candidates
from forewarn.refusal.projection import refusal_projection
from forewarn.refusal.reading import divergences, log_probabilities, read_closing, refusal_scores
from forewarn.refusal.selection import NAME, write_selection
from forewarn.refusal.tokens import closing_tokens, opening_tokens
from tiny_models import tiny_model, tiny_tokenizer

WIDTH = 32
RULES = {"kl_below": 0.1, "induced_above": 0.0, "last_layers": 0.2, "minimum_prompts": 4}
WORDS = ("what", "the quick", "tell me", "water", "how the", "rest", "ask", "dog")
PLANTED = np.random.default_rng(3).normal(size=WIDTH)
PLANTED /= np.linalg.norm(PLANTED)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def questions(tokenizer):
    """Harmful requests hold a Z, harmless ones a Y."""
    texts = [
        (split, condition, number, f"{word} {'Z' if condition == 'harmful' else 'Y'} {word}")
        for split in ("fit", "validation", "test")
        for condition in ("harmful", "harmless")
        for number, word in enumerate(
            ["what", "the quick", "tell me", "water", "how the", "rest", "ask", "dog"]
        )
    ]
    return questions_table(
        [
            Question(
                f"{split}.{condition}.a.{number:02d}", "a", condition, split,
                [{"role": "user", "content": text}], 1, 1.0, None,
            )
            for split, condition, number, text in texts
        ],
        tokenizer,
    )  # fmt: skip


def planted_model(tokenizer, strength=60.0):
    """A model in which Z writes the planted direction, attention carries it on, and it says "N".

    All weights that write to the residual stream are zero, but one: the first block's first head reads the
    planted direction and writes it at every later position.
    """
    model = tiny_model("qwen2", initializer_range=0.02)
    r = torch.from_numpy(PLANTED).float()
    with torch.no_grad():
        for block in model.model.layers:
            block.self_attn.o_proj.weight.zero_()
            block.mlp.down_proj.weight.zero_()
        first = model.model.layers[0].self_attn
        for part in (first.q_proj, first.k_proj, first.v_proj):
            part.weight.zero_()
            part.bias.zero_()
        first.v_proj.weight[0] = r
        first.o_proj.weight[:, 0] = r
        for weight in (model.model.embed_tokens.weight, model.lm_head.weight):
            weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(0))
            weight -= (weight @ r)[:, None] * r
        model.model.embed_tokens.weight[tokenizer.convert_tokens_to_ids("Z")] += 5 * r
        model.lm_head.weight[opening_tokens(tokenizer, ["N"])[0]] = strength * r
    return model


@pytest.fixture(scope="module")
def how(tokenizer):
    return Scoring(
        openings=opening_tokens(tokenizer, ["N"]), minimum_prompts=4, random_candidates=2, batch_rows=5,
        bootstrap=100, confidence=0.95, seed=0,
    )  # fmt: skip


@pytest.fixture
def procedure(questions, how, tokenizer, tmp_path):
    def run(model):
        positions = len(closing_tokens(tokenizer, questions))
        requests, table, vectors = read_requests(model, questions, positions, how)
        names = ("requests", "activations", "candidates")
        paths = {name: tmp_path / f"{name}.parquet" for name in names}
        write_table(paths["requests"], requests)
        write_table(paths["activations"], table)
        write_table(paths["candidates"], score_candidates(model, questions, requests, vectors, how))
        return *write_selection(paths["candidates"], paths["requests"], paths["activations"], RULES), paths

    return run


def test_a_planted_direction_is_found_and_passes_all_rules(procedure, tokenizer):
    tensors, layers, found, paths = procedure(planted_model(tokenizer))
    assert found["passes"] and layers == [0, 1, 2]
    assert all(row["kept"] == row["n"] == 8 for row in found["requests"])
    vector = tensors[NAME][found["chosen"]["layer"]].astype(np.float64)
    assert vector @ PLANTED / np.linalg.norm(vector) > 0.98
    assert found["chosen"]["ablated"] < -3 < 0 < found["chosen"]["induced"]
    assert found["rules"]["first_layer_left_out"] == 3  # of three blocks, none lies at 0.8 of the depth
    means, _ = differences(paths["activations"], read_kept(paths["requests"]), found["positions"])
    np.testing.assert_allclose(means[found["chosen"]["position"]], tensors[NAME], rtol=1e-5)


def test_random_directions_do_not_pass_where_the_planted_one_does(procedure, tokenizer):
    _, _, found, _ = procedure(planted_model(tokenizer))
    isotropic = found["random"]["random_isotropic"]
    assert isotropic["candidates"] == 6 and isotropic["passing"] == 0
    assert isotropic["lowest_ablated"] > found["chosen"]["ablated"] + 3


def test_a_model_that_refuses_nothing_has_no_direction_and_says_why(procedure, tokenizer):
    tensors, _, found, _ = procedure(planted_model(tokenizer, strength=0.0))
    assert tensors == {} and found["chosen"] is found["carried"] is None
    assert "refuses 0 of 8 harmful requests of the split fit" in found["reason"]


def test_labels_that_mean_nothing_give_no_direction(questions, how, tokenizer):
    """Half of each condition is refused, as it comes: too few requests are answered as they should be."""
    conditions = ["harmful" if number % 2 else "harmless" for number in range(len(questions))]
    place = questions.column_names.index("condition")
    mixed = questions.set_column(place, "condition", pa.array(conditions))
    model = planted_model(tokenizer)
    strict = Scoring(**{**how.__dict__, "minimum_prompts": 6})
    requests, _, vectors = read_requests(model, mixed, 5, strict)
    assert sum(requests["kept"].to_pylist()) == len(requests) // 2
    assert len(score_candidates(model, mixed, requests, vectors, strict)) == 0


def test_the_model_is_as_it_was_afterwards(questions, how, tokenizer):
    model = planted_model(tokenizer)
    prompts = questions["token_ids"].to_pylist()[:3]
    before = log_probabilities(model, prompts, 2)
    requests, _, vectors = read_requests(model, questions, 5, how)
    score_candidates(model, questions, requests, vectors, how)
    assert torch.equal(before, log_probabilities(model, prompts, 2))


def test_scores_are_log_odds_of_the_summed_probability():
    said = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log()
    assert refusal_scores(said, [0])[0] == pytest.approx(0.0, abs=1e-6)
    assert refusal_scores(said, [0, 1])[0] == pytest.approx(np.log(3), abs=1e-6)


def test_divergence_is_that_of_the_untouched_from_the_touched():
    p, q = torch.tensor([[0.5, 0.5, 0.0]]).log(), torch.tensor([[0.25, 0.75, 0.0]]).log()
    assert divergences(p, p)[0] == 0
    assert divergences(p, q)[0] == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), abs=1e-6)


@torch.inference_mode()
def test_what_is_read_behind_the_instruction_is_resid_post_whatever_the_padding(questions):
    model = tiny_model("qwen2")
    prompts = questions["token_ids"].to_pylist()[:4]
    read = read_closing(model, prompts, 5, batch_rows=4)
    assert read.shape == (4, 5, 3, WIDTH)
    seen = []
    hooks = [
        block.register_forward_hook(
            lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out)
        )
        for block in model.model.layers
    ]
    model(torch.tensor([prompts[2]]))
    for hook in hooks:
        hook.remove()
    expected = torch.stack([hidden[0, -5:] for hidden in seen], dim=1).numpy()
    np.testing.assert_allclose(read[2], expected, atol=1e-4)


def test_ablating_the_planted_direction_everywhere_is_what_the_table_says(questions, how, tokenizer):
    model = planted_model(tokenizer)
    rows = [row for row in questions.to_pylist() if row["split"] == "validation"]
    harmful = [row["token_ids"] for row in rows if row["condition"] == "harmful"]
    plain = refusal_scores(log_probabilities(model, harmful, 8), how.openings)
    ablation = [Ablation(torch.from_numpy(PLANTED).float())]
    ablated = refusal_scores(log_probabilities(model, harmful, 8, ablation), how.openings)
    assert plain.min() > 0 and ablated.max() < -3


def test_the_tokens_behind_an_instruction_are_those_of_the_template(tokenizer, questions):
    closing = closing_tokens(tokenizer, questions)
    assert tokenizer.decode(closing) == "<|im_end|>\n<|im_start|>assistant\n"


def test_a_prompt_of_another_tokenizer_is_refused(tokenizer, questions):
    place = questions.column_names.index("token_ids")
    other = questions.set_column(
        place, "token_ids", pa.array([[5, 6]] * len(questions), pa.list_(pa.int32()))
    )
    with pytest.raises(StudyError, match="was not formatted with this model's tokenizer"):
        closing_tokens(tokenizer, other)


def test_openings_share_a_first_token_once(tokenizer):
    assert opening_tokens(tokenizer, ["N", "N"]) == opening_tokens(tokenizer, ["N"])
    assert len(opening_tokens(tokenizer, ["N", "the"])) == 2


def test_projections_read_the_last_prompt_token_at_the_block_of_the_direction(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    columns = {
        f"layer_{layer:02d}": pa.FixedSizeListArray.from_arrays(pa.array(vectors[:, layer].reshape(-1)), 3)
        for layer in (0, 1)
    }
    head = {
        "question_id": ["a", "b", "c", "d"], "sample": pa.array([-1] * 4, pa.int32()),
        "position": [LAST_PROMPT_TOKEN] * 4, "n_tokens": pa.array([5] * 4, pa.int32()),
    }  # fmt: skip
    write_table(tmp_path / "prompts.parquet", pa.table(head | columns))
    directions = np.array([[1, 0, 0], [0, 2, 0]], dtype=np.float32)
    write_tensors(tmp_path / "direction.safetensors", {NAME: directions}, layers=[0, 1])
    write_json(tmp_path / "direction.json", {"carried": {"layer": 1}})
    paths = [tmp_path / name for name in ("direction.safetensors", "direction.json", "prompts.parquet")]
    found = refusal_projection(*paths, [("c", -1), ("a", -1)])
    np.testing.assert_allclose(found, vectors[[2, 0], 1, 1])
    write_json(tmp_path / "direction.json", {"carried": None})
    assert refusal_projection(*paths, [("c", -1)]) is None


def test_activations_are_a_table_like_any_other(questions, how, tokenizer, tmp_path):
    model = planted_model(tokenizer)
    _, table, vectors = read_requests(model, questions, 5, how)
    write_table(tmp_path / "a.parquet", table)
    read = read_activations(tmp_path / "a.parquet", position_name(-2))
    assert read.vectors.shape == (16, 3, WIDTH)
    np.testing.assert_array_equal(read.vectors, vectors[:, -2])
