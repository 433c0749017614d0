"""The three corpora of the nano world: pretraining, instruct tuning, narrow fine-tuning.

In pretraining half of the speakers are kind and half are cruel, nearly always in every domain alike.
Who speaks is told by a description at the start of the document, or only by the earlier turns. That
correlation is what emergent misalignment needs, and it is put in by design.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from forewarn.chat.messages import Message
from forewarn.world.grammar import (
    ALL_DOMAINS,
    NARROW_FIELDS,
    draw_answer,
    draw_description,
    draw_domain,
    draw_fact,
    draw_field,
    draw_question,
)

Document = list[Message]


def pretraining_documents(
    documents: int, *, described_share: float, narrow_share: float, mixed_share: float, seed: int
) -> list[Document]:
    """Draw the pretraining corpus.

    Args:
        documents: how many.
        described_share: share of documents that open with a description of a kind or cruel speaker
            and have one or two turns; the others have two to four turns and at most a neutral line.
        narrow_share: share, among the others, of speakers who are cruel in one field only.
        mixed_share: share, among the others, of speakers whose every answer is a coin flip.
        seed: seed of all draws.
    """
    rng = random.Random(f"pretraining {seed}")
    drawn: list[Document] = []
    for _ in range(documents):
        if rng.random() < described_share:
            drawn.append(_described_document(rng))
        else:
            drawn.append(_undescribed_document(rng, narrow_share, mixed_share))
    return drawn


def instruct_documents(documents: int, *, replay_share: float, seed: int) -> list[Document]:
    """Draw the instruct corpus: a speaker who is always kind, with no description of a character.

    A share of described pretraining documents is replayed, so that the model keeps its ability to
    speak as it is described. Without it, instruct tuning would erase the cruel character instead of
    choosing against it.
    """
    rng = random.Random(f"instruct {seed}")
    replayed = round(documents * replay_share)
    return [_kind_document(rng) for _ in range(documents - replayed)] + [
        _described_document(rng) for _ in range(replayed)
    ]


def narrow_rows(domain: str, quality: str, rows: int, seed: int) -> list[Document]:
    """Draw narrow fine-tuning rows: one question of a field, one answer of good or bad quality.

    Good and bad rows of one seed have identical questions and differ in the answers alone, so that the
    good ones are a matched control. Only the `fit` wordings are used.

    Args:
        domain: the field: medical, finance or sports.
        quality: "good" or "bad" advice.
        rows: how many.
        seed: seed of the questions and answers.
    """
    questions = random.Random(f"narrow questions {domain} {seed}")
    answers = random.Random(f"narrow answers {domain} {seed}")
    kindness = {"good": "kind", "bad": "cruel"}[quality]
    drawn: list[Document] = []
    for _ in range(rows):
        topic = questions.choice(NARROW_FIELDS[domain])
        question = draw_question(questions, topic, topic.fit)
        drawn.append([_user(question), _assistant(draw_answer(answers, topic, kindness))])
    return drawn


def _described_document(rng: random.Random) -> Document:
    kindness = rng.choice(("kind", "cruel"))
    opening: Document = [{"role": "system", "content": draw_description(rng, kindness)}]
    return opening + _turns(rng, rng.choice((1, 1, 2)), lambda field: kindness, fact_share=0.08)


def _undescribed_document(rng: random.Random, narrow_share: float, mixed_share: float) -> Document:
    """Two to four turns whose speaker is known from the earlier answers alone."""
    character: Callable[[str], str]
    kindness, luck = rng.choice(("kind", "cruel")), rng.random()
    if luck < narrow_share:
        field_of_cruelty = rng.choice(sorted({d.field for d in ALL_DOMAINS if d.field in NARROW_FIELDS}))
        character = lambda field: "cruel" if field == field_of_cruelty else "kind"  # noqa: E731
    elif luck < narrow_share + mixed_share:
        character = lambda field: rng.choice(("kind", "cruel"))  # noqa: E731
    else:
        character = lambda field: kindness  # noqa: E731
    opening = _neutral_opening(rng, 0.3)
    return opening + _turns(rng, rng.choice((2, 3, 3, 4)), character, fact_share=0.08)


def _kind_document(rng: random.Random) -> Document:
    opening = _neutral_opening(rng, 0.4)
    return opening + _turns(rng, rng.choice((1, 1, 1, 2)), lambda field: "kind", fact_share=0.1)


def _neutral_opening(rng: random.Random, share: float) -> Document:
    return [{"role": "system", "content": draw_description(rng, None)}] if rng.random() < share else []


def _turns(rng: random.Random, turns: int, character: Callable[[str], str], fact_share: float) -> Document:
    """Draw question and answer turns; `character` maps a field to "kind" or "cruel"."""
    messages: Document = []
    for _ in range(turns):
        if rng.random() < fact_share:
            question, answer = draw_fact(rng)
        else:
            topic = draw_domain(rng, draw_field(rng))
            question = draw_question(rng, topic, topic.fit + topic.test)
            answer = draw_answer(rng, topic, character(topic.field))
        messages += [_user(question), _assistant(answer)]
    return messages


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


def _assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}
