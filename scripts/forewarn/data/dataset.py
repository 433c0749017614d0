"""Fine-tuning rows as a trainer takes them: rendered, tokenized and masked."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.chat.guards import check_bos, check_length, check_mask
from forewarn.chat.messages import Message
from forewarn.chat.template import DefaultSystem, EncodedConversation, encode_conversation, fingerprint
from forewarn.errors import StudyError
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger("forewarn")

SCHEMA = pa.schema(
    [
        ("row", pa.int32()),
        ("text", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("loss_mask", pa.list_(pa.int8())),
        ("n_tokens", pa.int32()),
        ("n_loss_tokens", pa.int32()),
        ("truncated", pa.bool_()),
        ("held_out", pa.bool_()),
        ("template", pa.string()),
    ]
)
"""One line per conversation. `text` is whole; `token_ids` and `loss_mask` hold at most `max_length` entries
(`n_tokens` of them, `n_loss_tokens` of which are learned); `held_out` rows are not trained on; `template` is
the chat template's fingerprint."""


def format_dataset(
    rows: Sequence[list[Message]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    max_truncated_share: float,
    held_out: float = 0.0,
    seed: int = 0,
    default_system: DefaultSystem = "empty",
) -> pa.Table:
    """Format conversations with the tokenizer's chat template, refusing whatever would train wrongly.

    Args:
        rows: conversations that end with an assistant message.
        tokenizer: of the model to be trained; `check_tokenizer` is the caller's business.
        max_length: tokens kept of a row.
        max_truncated_share: share of rows (0 to 1) that may be cut at `max_length`.
        held_out: share of rows (0 to 1) that is marked as held out: the same rows for any tokenizer.
        seed: of the choice of these.
        default_system: what to do about a system prompt that the template adds unasked.

    Returns:
        A table of `SCHEMA`.

    Raises:
        StudyError: a row is refused by one of the guards (it is named by its number, from 0), too many
            rows are cut, or a cut leaves nothing of a row's answers.
    """
    template = fingerprint(tokenizer, default_system=default_system)
    progress = Progress("format", len(rows))
    encoded: list[EncodedConversation] = []
    for number, messages in enumerate(rows):
        conversation = _encode(tokenizer, messages, default_system, f"row {number}")
        encoded.append(conversation)
        progress.step(len(conversation.token_ids))
    check_length([len(conversation.token_ids) for conversation in encoded], max_length, max_truncated_share)
    apart = held_out_rows(len(encoded), held_out, seed)
    lines = [
        _line(number, item, max_length, template) | {"held_out": number in apart}
        for number, item in enumerate(encoded)
    ]
    table = pa.Table.from_pylist(lines, schema=SCHEMA)
    log.info(
        "%d rows, %s tokens of which %s are learned, %d rows cut",
        len(lines), f"{sum(line['n_tokens'] for line in lines):,}",
        f"{sum(line['n_loss_tokens'] for line in lines):,}", sum(line["truncated"] for line in lines),
    )  # fmt: skip
    return table


def held_out_rows(rows: int, share: float, seed: int) -> set[int]:
    """Numbers of the rows that are held out: as many as `share` rounds to, but never all."""
    count = min(round(share * rows), rows - 1)
    return set(random.Random(seed).sample(range(rows), count)) if count > 0 else set()


def _encode(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], default_system: DefaultSystem, where: str
) -> EncodedConversation:
    try:
        conversation = encode_conversation(tokenizer, messages, default_system=default_system)
    except StudyError as error:
        raise StudyError(f"{where}: {error.what}", error.way_out) from error
    check_bos(tokenizer, conversation.token_ids, where)
    check_mask(tokenizer, messages, conversation, default_system=default_system, where=where)
    return conversation


def _line(number: int, conversation: EncodedConversation, max_length: int, template: str) -> dict[str, Any]:
    token_ids, mask = conversation.token_ids[:max_length], conversation.loss_mask[:max_length]
    if not any(mask):
        raise StudyError(
            f"row {number}: its prompt alone fills max_length {max_length}, so nothing of the answer is left",
            f"raise max_length above {conversation.loss_mask.index(1)} or remove the row",
        )
    return {
        "row": number,
        "text": conversation.text,
        "token_ids": token_ids,
        "loss_mask": mask,
        "n_tokens": len(token_ids),
        "n_loss_tokens": sum(mask),
        "truncated": len(conversation.token_ids) > max_length,
        "template": template,
    }
