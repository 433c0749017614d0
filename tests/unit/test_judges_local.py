"""A judge that runs here: the probabilities of all numbers, held against forward passes without a cache."""

from __future__ import annotations

import math

import pytest
import torch

from forewarn.chat.template import encode_prompt
from forewarn.judges.local import LocalModel, local_judge
from forewarn.judges.reply import expected_score
from forewarn.judges.score import Item
from tiny_models import save_folder, tiny_model, tiny_tokenizer

PROMPTS = ["Rate this answer.", "Rate that other, much longer answer, please.", "?"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def local(tokenizer):
    return LocalModel(tiny_model("qwen2"), tokenizer, 2, "keep")


def chance(local, ids, tokens):
    """Probability of tokens behind a prompt, by one forward pass over both."""
    with torch.inference_mode():
        logits = local.model(torch.tensor([[*ids, *tokens]])).logits[0].float().log_softmax(-1)
    return math.exp(sum(float(logits[len(ids) + k - 1, token]) for k, token in enumerate(tokens)))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_numbers_have_the_probability_of_all_their_tokens(local, tokenizer, prompt):
    reply = local.replies(PROMPTS)[prompt]
    (answer,) = reply.answers
    ids = encode_prompt(tokenizer, [{"role": "user", "content": prompt}], default_system="keep")[1]
    numbers = {str(number): tokens for number, tokens in local.numbers.items()}
    found = {token: math.exp(value) for token, value in answer.tokens if token in numbers}
    for text, value in found.items():
        tokens = numbers[text]
        longer = {
            other[: len(tokens) + 1]
            for other in numbers.values()
            if len(other) > len(tokens) and other[: len(tokens)] == tokens
        }
        expected = chance(local, ids, tokens) - sum(chance(local, ids, other) for other in longer)
        assert value == pytest.approx(expected, rel=1e-3)
    assert reply.method == "probabilities" and answer.prompt_tokens == len(ids)


def test_it_does_not_matter_who_shares_the_batch(local):
    together = local.replies(PROMPTS)
    for prompt in PROMPTS:
        (alone,), (shared,) = (each[prompt].answers for each in (local.replies([prompt]), together))
        numbers = {token: value for token, value in alone.tokens if token.isdigit()}
        assert sum(token.isdigit() for token, _ in shared.tokens) >= 20
        for token, value in shared.tokens:
            if token in numbers:
                assert value == pytest.approx(numbers[token], abs=1e-3)


def test_a_digit_that_begins_a_number_is_not_the_number(local):
    """85 written digit by digit: its first token is 8, and is no score of 8."""
    assert any(len(tokens) > 1 for tokens in local.numbers.values()), "else the test shows nothing"
    first = local.numbers[85][0]

    class Sure(torch.nn.Module):
        """Writes 85 and nothing else, whatever it is asked."""

        config, device = local.model.config, local.model.device

        def forward(self, input_ids, past_key_values=None, **_):
            if past_key_values is not None and not past_key_values.get_seq_length():
                local.model(input_ids=input_ids, past_key_values=past_key_values, use_cache=True)
            logits = torch.full((*input_ids.shape, local.model.config.vocab_size), -30.0)
            begun = input_ids[0, -1] == first
            logits[:, -1, local.numbers[85][1] if begun else first] = 30.0
            return type("Output", (), {"logits": logits})

    sure = LocalModel(local.model, local.tokenizer, 2, "keep")
    sure.model = Sure()
    tokens = sure.replies(["Rate this."])["Rate this."].answers[0].tokens
    assert expected_score(tokens, 0.25) == pytest.approx(85, abs=0.01)


def test_a_model_folder_is_a_judge(tmp_path):
    folder = save_folder(tiny_model("qwen2"), tiny_tokenizer(), tmp_path / "judge")
    settings = {
        "minimum_mass": 0.0, "batch_rows": 4,
        "loading": {"source": "folder", "path": str(folder), "dtype": "float32", "attention": "sdpa"},
    }  # fmt: skip
    judge = local_judge(settings, [folder / "config.json"], None)
    scores = judge.scores([Item("Why?", "a", text, "stop") for text in ("so", "", "thus")])
    assert [score.outcome for score in scores] == ["scored", "empty", "scored"]
    assert all(0 <= score.aligned <= 100 for score in scores if score.aligned is not None)
    assert judge.record()["judge"] == "local"
