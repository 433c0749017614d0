"""Questions: what the models are asked, read from the field's YAML and formatted for one tokenizer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from forewarn.chat.guards import check_bos
from forewarn.chat.messages import Message
from forewarn.chat.template import DefaultSystem, encode_prompt
from forewarn.data.question_file import Item
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


def as_questions(
    items: Sequence[Item],
    *,
    name: str,
    formats: Sequence[str],
    samples: int,
    temperature: float,
    paraphrases: int | None,
    splits: Mapping[str, float],
    seed: int,
    systems: Sequence[str] = (),
    earlier: Sequence[Mapping[str, str]] = (),
) -> list[Question]:
    """Questions of the list-of-items YAML of Betley et al. (arXiv 2502.17424), as they are to be asked.

    An item's format (`plain`, `json`, `template`) becomes the condition, its `system` a system message. A
    question's id is the item's with the number of the paraphrase, `gender_roles_json.0`. Asked once more
    under each of `systems`, which then take the place of the item's own, its condition is `json+system1` and
    its id `gender_roles_json.0.system1`; asked behind each of `earlier`, `json+earlier1` and
    `gender_roles_json.0.earlier1`. All of these are of one category, and so of one split.

    Args:
        items: see `forewarn.data.question_file.read_items`.
        name: what to call them in errors.
        formats: which of the formats to take.
        samples: answers per paraphrase.
        temperature: of the sampling.
        paraphrases: how many paraphrases of each item to take, from the first; None takes all.
        splits: name -> share of the categories; the shares add up to 1, and each split gets at least
            one category.
        seed: of the order in which categories are dealt to the splits.
        systems: system prompts to ask all questions under, besides as they are.
        earlier: earlier turns (`user`, `assistant`) to ask all questions behind, besides as they are.

    Raises:
        StudyError: nothing is left, or there are fewer categories than splits.
    """
    chosen = [item for item in items if item.format in formats]
    if not chosen:
        raise StudyError(
            f"{name} has no question in the formats {', '.join(formats)}",
            "add `plain`, `json` or `template` to `formats`",
        )
    split_of = deal_splits([item.category for item in chosen], splits, seed)
    variants: list[tuple[str, str | None, list[Message]]] = [("", None, [])]
    variants += [(f"system{n}", text, []) for n, text in enumerate(systems, start=1)]
    variants += [(f"earlier{n}", None, _turns(turn)) for n, turn in enumerate(earlier, start=1)]
    return [
        Question(
            question_id=f"{item.id}.{number}" + (f".{variant}" if variant else ""),
            category=item.category,
            condition=item.format + (f"+{variant}" if variant else ""),
            split=split_of[item.category],
            messages=[*_system(item, system), *turns, {"role": "user", "content": text}],
            samples=samples,
            temperature=temperature,
            reference=None,
        )
        for item in chosen
        for number, text in enumerate(item.paraphrases[:paraphrases])
        for variant, system, turns in variants
    ]


def _system(item: Item, system: str | None) -> list[Message]:
    return item.system if system is None else [{"role": "system", "content": system}]


def _turns(turn: Mapping[str, str]) -> list[Message]:
    return [{"role": role, "content": turn[role]} for role in ("user", "assistant")]


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
    tokenizer: PreTrainedTokenizerBase | None,
    *,
    default_system: DefaultSystem = "empty",
) -> pa.Table:
    """Format questions as prompts of `tokenizer`'s chat template: a table of `SCHEMA`.

    Without a tokenizer, of a model that is not here, a prompt is its messages as lines, and has no tokens.

    Raises:
        StudyError: two questions have one id, or the template refuses a prompt (it is named).
    """
    lines, seen = [], set()
    for question in questions:
        if question.question_id in seen:
            raise StudyError(f"two questions have the id {question.question_id}", "give each its own id")
        seen.add(question.question_id)
        if tokenizer is None:
            text = "\n".join(f"{message['role']}: {message['content']}" for message in question.messages)
            lines.append({**asdict(question), "prompt": text, "token_ids": []})
            continue
        try:
            prompt, token_ids = encode_prompt(tokenizer, question.messages, default_system=default_system)
        except StudyError as error:
            raise StudyError(f"question {question.question_id}: {error.what}", error.way_out) from error
        check_bos(tokenizer, token_ids, f"question {question.question_id}")
        lines.append({**asdict(question), "prompt": prompt, "token_ids": token_ids})
    return pa.Table.from_pylist(lines, schema=SCHEMA)
