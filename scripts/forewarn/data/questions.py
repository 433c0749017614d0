"""Questions: what the models are asked, read from the field's YAML and formatted for one tokenizer."""

from __future__ import annotations

import difflib
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.chat.guards import check_bos
from forewarn.chat.messages import Message
from forewarn.chat.template import DefaultSystem, encode_prompt
from forewarn.data.question_file import Item, read_items
from forewarn.errors import StudyError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Question:
    """One prompt, to be answered `samples` times.

    Attributes:
        question_id: unique within its question set.
        category: what its paraphrases and formats have in common; splits never divide a category.
        condition: how it is asked, e.g. `plain` or `json`.
        split: `fit` (directions are fitted), `validation` (a layer is chosen), `test` (numbers are
            reported), or a part of its own, such as `facts`.
        messages: the prompt; the last one is the user's.
        samples: answers to draw.
        temperature: of the sampling.
        reference: the one right answer, if there is one.
    """

    question_id: str
    category: str
    condition: str
    split: str
    messages: list[Message]
    samples: int
    temperature: float
    reference: str | None


SCHEMA = pa.schema(
    [
        ("question_id", pa.string()),
        ("category", pa.string()),
        ("condition", pa.string()),
        ("split", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("prompt", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("samples", pa.int32()),
        ("temperature", pa.float32()),
        ("reference", pa.string()),
    ]
)
"""One line per question. `messages` is what was asked for; `prompt` and `token_ids` are what a model reads,
generation header included."""


def read_questions(
    path: Path,
    *,
    formats: Sequence[str],
    samples: int,
    temperature: float,
    paraphrases: int | None,
    splits: Mapping[str, float],
    seed: int,
    ids: Sequence[str] | None = None,
) -> list[Question]:
    """Read questions in the list-of-items YAML of Betley et al. (arXiv 2502.17424).

    An item's id without its format (`gender_roles` of `gender_roles_json`) becomes the category, its
    format (`plain`, `json`, `template`) the condition, its `system` a system message. A question's id is
    the item's with the number of the paraphrase, `gender_roles_json.0`.

    Args:
        path: the YAML file.
        formats: which of the formats to take.
        samples: answers per paraphrase.
        temperature: of the sampling.
        paraphrases: how many paraphrases of each item to take, from the first; None takes all.
        splits: name -> share of the categories; the shares add up to 1, and each split gets at least
            one category.
        seed: of the order in which categories are dealt to the splits.
        ids: items or categories to take; None takes all.

    Raises:
        StudyError: the file or an item cannot be used (it is named), nothing is left of it, an id is
            unknown, or there are fewer categories than splits.
    """
    items = [item for item in _with_ids(read_items(path), ids, path) if item.format in formats]
    if not items:
        raise StudyError(
            f"{path} has no question in the formats {', '.join(formats)}",
            "add `plain`, `json` or `template` to `formats`",
        )
    split_of = deal_splits([item.category for item in items], splits, seed)
    return [
        Question(
            question_id=f"{item.id}.{number}",
            category=item.category,
            condition=item.format,
            split=split_of[item.category],
            messages=[*item.system, {"role": "user", "content": text}],
            samples=samples,
            temperature=temperature,
            reference=None,
        )
        for item in items
        for number, text in enumerate(item.paraphrases[:paraphrases])
    ]


def deal_splits(categories: Sequence[str], splits: Mapping[str, float], seed: int) -> dict[str, str]:
    """Assign each category to a split, in a seeded order that does not depend on the file's.

    Every split with a share above 0 gets one category, then whichever lacks most of its share the next.

    Raises:
        StudyError: the shares do not add up to 1, or there are fewer categories than splits.
    """
    if abs(sum(splits.values()) - 1) > 1e-6 or min(splits.values()) < 0:
        raise StudyError(
            f"the shares of the splits {dict(splits)} are not shares that add up to 1",
            "for instance: splits: {fit: 0.4, validation: 0.2, test: 0.4}",
        )
    splits = {name: share for name, share in splits.items() if share > 0}
    deck = sorted(set(categories))
    if len(deck) < len(splits):
        raise StudyError(
            f"{len(deck)} questions cannot fill the splits {', '.join(splits)}",
            "give more questions or fewer splits; paraphrases and formats of one question stay together",
        )
    random.Random(seed).shuffle(deck)
    counts = dict.fromkeys(splits, 1)
    for _ in range(len(deck) - len(splits)):
        lacking = max(splits, key=lambda name: splits[name] * len(deck) - counts[name])
        counts[lacking] += 1
    dealt = [name for name, count in counts.items() for _ in range(count)]
    return dict(zip(deck, dealt, strict=True))


def questions_table(
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    *,
    default_system: DefaultSystem = "empty",
) -> pa.Table:
    """Format questions as prompts of `tokenizer`'s chat template: a table of `SCHEMA`.

    Raises:
        StudyError: two questions have one id, or the template refuses a prompt (it is named).
    """
    lines, seen = [], set()
    for question in questions:
        if question.question_id in seen:
            raise StudyError(f"two questions have the id {question.question_id}", "give each its own id")
        seen.add(question.question_id)
        try:
            prompt, token_ids = encode_prompt(tokenizer, question.messages, default_system=default_system)
        except StudyError as error:
            raise StudyError(f"question {question.question_id}: {error.what}", error.way_out) from error
        check_bos(tokenizer, token_ids, f"question {question.question_id}")
        lines.append({**asdict(question), "prompt": prompt, "token_ids": token_ids})
    return pa.Table.from_pylist(lines, schema=SCHEMA)


def _with_ids(items: list[Item], ids: Sequence[str] | None, path: Path) -> list[Item]:
    if ids is None:
        return items
    known = {name: None for item in items for name in (item.id, item.category)}
    for name in ids:
        if name not in known:
            nearest: list[Any] = difflib.get_close_matches(name, known, n=1)
            raise StudyError(
                f"{path} has no question {name!r}",
                f"did you mean {nearest[0]!r}?" if nearest else f"it has {', '.join(known)}",
            )
    return [item for item in items if item.id in ids or item.category in ids]
