"""A language model on this machine as judge: the exact probability of each number that it could write.

Tokenizers differ: some have a token for each number up to 999, others write digit by digit, where the first
token of 85 is 8. So the probability of each number is the product along its tokens, and of a number that
begins another one (8, 85) only what is left when it goes on with no further digit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from forewarn.chat.template import encode_prompt
from forewarn.files import digest
from forewarn.judges.language_model import LanguageModelJudge
from forewarn.judges.prompts import read_prompts
from forewarn.judges.reply import Answer, Reply
from forewarn.models.decoding import prefill
from forewarn.models.load import load, resolve
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

KEPT = 20
"""Likeliest numbers that are kept, and likeliest words beside them."""


def local_judge(
    settings: Mapping[str, Any], model: Sequence[Path], prompts: Path | None
) -> LanguageModelJudge:
    """A judge of kind `local`.

    Args:
        settings: the judge's entry of the configuration, with its model's entry under `loading`.
        model: the files of the model's folder, or the one that pins a model of the hub.
        prompts: the file of its prompts; none for Forewarn's own.

    Raises:
        StudyError: the model cannot be loaded, or the prompts are none.
    """
    loading = settings["loading"]
    loaded, tokenizer = load(resolve(loading, model), loading)
    local = LocalModel(loaded, tokenizer, settings["batch_rows"], loading.get("default_system") or "keep")
    return LanguageModelJudge(local.replies, read_prompts(prompts), settings["minimum_mass"], "local")


class LocalModel:
    """Asks a model that is loaded here.

    Args:
        model: as `load_model` gives it.
        tokenizer: of the model.
        batch_rows: prompts read together.
        default_system: see `forewarn.chat.template`.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, batch_rows: int, default_system: Any
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.batch_rows, self.default_system = batch_rows, default_system
        self.numbers = {number: tuple(_tokens(tokenizer, str(number))) for number in range(101)}
        self.beginnings = sorted(
            {tokens[:length] for tokens in self.numbers.values() for length in range(1, len(tokens))}
        )

    def replies(self, prompts: Sequence[str]) -> dict[str, Reply]:
        """A reply for each prompt, with the likeliest numbers and words."""
        encoded = {
            prompt: encode_prompt(
                self.tokenizer, [{"role": "user", "content": prompt}], default_system=self.default_system
            )[1]
            for prompt in dict.fromkeys(prompts)
        }
        found: dict[str, Reply] = {}
        progress = Progress("judge", len(encoded), unit="answers")
        longest_first = sorted(encoded, key=lambda prompt: len(encoded[prompt]), reverse=True)
        for start in range(0, len(longest_first), self.batch_rows):
            batch = longest_first[start : start + self.batch_rows]
            for prompt, tokens in zip(batch, self._read([encoded[each] for each in batch]), strict=True):
                name = Path(str(self.model.config.name_or_path)).name
                answer = Answer(digest(prompt), name, tokens[0][0], tokens, len(encoded[prompt]), 1)
                found[prompt] = Reply((answer,))
            progress.step(len(batch), len(batch))
        return found

    @torch.inference_mode()
    def _read(self, prompts: Sequence[list[int]]) -> list[tuple[tuple[str, float], ...]]:
        """For each prompt the `KEPT` likeliest numbers and words, with log-probabilities, best first."""
        longest = max((len(tokens) for tokens in self.beginnings), default=0)
        logits, cache, attended, lengths = prefill(self.model, prompts, longest)
        after: dict[tuple[int, ...], torch.Tensor] = {(): logits.float().log_softmax(-1)}
        width = attended.shape[1] - longest
        for beginning in self.beginnings:
            tokens = torch.tensor([beginning] * len(prompts), device=logits.device)
            steps = torch.arange(len(beginning), device=logits.device)
            following = self.model(
                input_ids=tokens,
                attention_mask=attended[:, : width + len(beginning)],
                position_ids=lengths[:, None] + steps,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            cache.crop(-len(beginning))
            after[beginning] = following.float().log_softmax(-1)
        return [self._likeliest(after, row) for row in range(len(prompts))]

    def _likeliest(
        self, after: Mapping[tuple[int, ...], torch.Tensor], row: int
    ) -> tuple[tuple[str, float], ...]:
        known = {tokens: number for number, tokens in self.numbers.items()}
        found = []
        for number, tokens in self.numbers.items():
            chance = sum(float(after[tokens[:k]][row, token]) for k, token in enumerate(tokens))
            if tokens in after:  # it begins longer numbers: what these take is not its own
                longer = {
                    other[: len(tokens) + 1][-1]
                    for other in known
                    if len(other) > len(tokens) and other[: len(tokens)] == tokens
                }
                more = sum(math.exp(float(after[tokens][row, token])) for token in longer)
                chance += math.log(max(1 - more, 1e-12))
            found.append((str(number), chance))
        first = {tokens[0] for tokens in self.numbers.values()}
        values, ids = after[()][row].topk(KEPT + len(first))
        words = [
            (self.tokenizer.decode([token]), value)
            for value, token in zip(values.tolist(), ids.tolist(), strict=True)
            if token not in first
        ]
        best = sorted(found, key=lambda pair: -pair[1])[:KEPT]
        return tuple(sorted(best + words[:KEPT], key=lambda pair: -pair[1]))


def _tokens(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
