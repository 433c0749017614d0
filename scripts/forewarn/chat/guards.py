"""Refusals before training, each by name.

Every one of these mistakes trains without complaint, and the loss falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from forewarn.chat.layout import layout
from forewarn.chat.messages import Message
from forewarn.chat.template import (
    DefaultSystem,
    EncodedConversation,
    encode_prompt,
    end_of_turn_ids,
    normalise,
)
from forewarn.errors import StudyError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FAMILY_MARKERS = {
    "qwen2": "<|im_start|>",
    "qwen3": "<|im_start|>",
    "llama": "<|start_header_id|>",
    "gemma": "<start_of_turn>",
    "gemma2": "<start_of_turn>",
    "gemma3": "<start_of_turn>",
    "gemma3_text": "<start_of_turn>",
}
"""`model_type` of a model's config.json -> what opens a turn in that family's own format."""

PADDED_VOCABULARY = 1024
"""Embedding matrices are padded beyond the tokenizer by a few hundred rows at most (Qwen2.5: 271 to 399)."""


def check_tokenizer(
    tokenizer: PreTrainedTokenizerBase,
    *,
    default_system: DefaultSystem = "empty",
    model_type: str | None = None,
    vocabulary: int | None = None,
) -> None:
    """Everything that can be said about tokenizer, template and model before any row is read.

    Args:
        tokenizer: the tokenizer, with its chat template.
        default_system: what to do about a system prompt that the template adds unasked.
        model_type: `model_type` of the model's configuration, if there is a model.
        vocabulary: rows of the model's embedding matrix, if there is a model.

    Raises:
        StudyError: no chat template; a template of another family than the tokenizer's or the model's; a
            doubled BOS; a system prompt that was not asked for.
    """
    check_family(tokenizer, model_type=model_type, vocabulary=vocabulary)
    question: list[Message] = [{"role": "user", "content": "Hello"}]
    normalise(tokenizer, question, default_system)
    check_bos(tokenizer, encode_prompt(tokenizer, question, default_system=default_system)[1])


def check_family(
    tokenizer: PreTrainedTokenizerBase, *, model_type: str | None = None, vocabulary: int | None = None
) -> None:
    """Refuse a template of another family than the tokenizer's (`layout` does that) or the model's.

    A model whose vocabulary never had its architecture's usual markers is somebody's own, and fine with
    the markers it has. It counts as such if its vocabulary fits the tokenizer.
    """
    habits = layout(tokenizer)
    own = FAMILY_MARKERS.get(model_type or "")
    foreign = [marker for marker in habits.markers if marker in FAMILY_MARKERS.values() and marker != own]
    if own is None or not foreign or own in habits.markers:
        return
    fits = vocabulary is None or len(tokenizer) <= vocabulary <= len(tokenizer) + PADDED_VOCABULARY
    if own in habits.added_tokens or not fits:
        raise StudyError(
            f"the chat template is of another family than the model: it opens turns with {foreign[0]}, "
            f"while a `{model_type}` model knows {own}",
            "use the tokenizer and chat template that came with the model",
        )


def check_bos(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int], where: str = "a prompt") -> None:
    """Refuse a text that begins with two beginning-of-sequence tokens."""
    bos = tokenizer.bos_token_id
    if bos is not None and list(token_ids[:2]) == [bos, bos]:
        raise StudyError(
            f"{where} begins with a doubled BOS token {tokenizer.bos_token}",
            "let either the chat template or the tokenizer write it, not both",
        )


def check_mask(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[Message],
    conversation: EncodedConversation,
    *,
    default_system: DefaultSystem = "empty",
    where: str = "the conversation",
) -> None:
    """Refuse a loss mask that covers prompt tokens or misses an end-of-turn token.

    Independent of how the mask was made: each answer must begin exactly where the token ids of its
    prompt, encoded as for generation, end.
    """
    prompts = [
        encode_prompt(tokenizer, messages[:index], default_system=default_system)[1]
        for index, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    spans = _answer_spans(conversation.loss_mask)
    for prompt, (begin, _) in zip(prompts, spans, strict=False):
        if begin < len(prompt):
            raise StudyError(
                f"{where}: the loss mask covers prompt tokens, from {begin} where the answer begins at "
                f"{len(prompt)}",
                "only the answers are to be learned; make the mask anew from the chat template",
            )
        if begin > len(prompt) or conversation.token_ids[:begin] != prompt:
            raise StudyError(
                f"{where}: the tokens before the answer are not those of its prompt at generation",
                "remove white space at the beginning of the answer, or use the model's own chat template",
            )
    check_answers_end(
        conversation.token_ids, conversation.loss_mask, end_of_turn_ids(tokenizer), len(prompts), where=where
    )


def check_answers_end(
    token_ids: Sequence[int],
    loss_mask: Sequence[int],
    end_of_turn: Sequence[int],
    answers: int | None = None,
    *,
    where: str = "the conversation",
) -> None:
    """Refuse a mask in which an answer does not end with an end-of-turn token, or that holds no answer.

    Args:
        token_ids: tokens of a row that was not cut.
        loss_mask: 0 or 1 for each of them.
        end_of_turn: ids that end a turn.
        answers: how many answers the row has, if known.
        where: how to call the row in an error.
    """
    spans = _answer_spans(loss_mask)
    if not spans or (answers is not None and len(spans) != answers):
        raise StudyError(
            f"{where}: the loss mask covers {len(spans)} answers of {answers or 'at least one'}",
            "make the mask anew from the chat template",
        )
    for _, end in spans:
        if token_ids[end - 1] not in end_of_turn:
            raise StudyError(
                f"{where}: the loss mask misses the end-of-turn token of an answer",
                "the model must learn where to stop; make the mask anew from the chat template",
            )


def check_length(n_tokens: Sequence[int], max_length: int, max_truncated_share: float) -> None:
    """Refuse a data set of which the length limit would cut more than the stated share of rows.

    Args:
        n_tokens: length of each row before any cut.
        max_length: how many tokens of a row are kept.
        max_truncated_share: share of rows (0 to 1) that may be cut.
    """
    cut = [row for row, length in enumerate(n_tokens) if length > max_length]
    if len(cut) > max_truncated_share * len(n_tokens):
        raise StudyError(
            f"max_length {max_length} cuts {len(cut)} of {len(n_tokens)} rows "
            f"({len(cut) / len(n_tokens):.1%}, allowed {max_truncated_share:.1%}); "
            f"the first is row {cut[0]} with {n_tokens[cut[0]]} tokens",
            f"raise max_length (the longest row has {max(n_tokens)} tokens) or max_truncated_share",
        )


def _answer_spans(mask: Sequence[int]) -> list[tuple[int, int]]:
    """First and past-the-end positions of each run of ones."""
    spans, position = [], 0
    for value, run in groupby(mask):
        length = len(list(run))
        if value:
            spans.append((position, position + length))
        position += length
    return spans
