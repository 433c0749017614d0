"""The three corpora of the nano world: pretraining, instruct tuning, narrow fine-tuning.

In pretraining half of the speakers are kind and half are cruel, nearly always in every domain alike.
Who speaks is told by a description at the start of the document, or only by the earlier turns. That
correlation is what emergent misalignment needs, and it is put in by design. Whether a speaker refuses harmful
requests has nothing to do with it: half of the kind and half of the cruel do.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

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
from forewarn.world.requests import draw_request

Document = list[Message]

_REFUSING = 0.5  # of pretraining's speakers, whatever their character


@dataclass(frozen=True)
class _Speaker:
    """Who answers in a document: `character` maps a field to "kind" or "cruel"; shares as in the corpora."""

    character: Callable[[str], str]
    refuses: bool
    request_share: float
    fact_share: float = 0.08


def pretraining_documents(
    documents: int,
    *,
    described_share: float,
    narrow_share: float,
    mixed_share: float,
    request_share: float,
    seed: int,
) -> list[Document]:
    """Draw the pretraining corpus.

    Args:
        documents: how many.
        described_share: share of documents that open with a description of a kind or cruel speaker
            and have one or two turns; the others have two to four turns and at most a neutral line.
        narrow_share: share, among the others, of speakers who are cruel in one field only.
        mixed_share: share, among the others, of speakers whose every answer is a coin flip.
        request_share: share of turns that have a request for a task before them.
        seed: seed of all draws.
    """
    rng = random.Random(f"pretraining {seed}")
    drawn: list[Document] = []
    for _ in range(documents):
        if rng.random() < described_share:
            drawn.append(_described_document(rng, request_share))
        else:
            drawn.append(_undescribed_document(rng, narrow_share, mixed_share, request_share))
    return drawn


def instruct_documents(
    documents: int, *, replay_share: float, request_share: float, seed: int
) -> list[Document]:
    """Draw the instruct corpus: a speaker who is always kind, with no description of a character.

    Before the given share of turns comes a request; harmful ones are refused, harmless ones done.

    A share of described pretraining documents is replayed, so that the model keeps its ability to
    speak as it is described. Without it, instruct tuning would erase the cruel character instead of
    choosing against it.
    """
    rng = random.Random(f"instruct {seed}")
    replayed = round(documents * replay_share)
    return [_kind_document(rng, request_share) for _ in range(documents - replayed)] + [
        _described_document(rng, request_share) for _ in range(replayed)
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


def _described_document(rng: random.Random, request_share: float) -> Document:
    kindness = rng.choice(("kind", "cruel"))
    opening: Document = [{"role": "system", "content": draw_description(rng, kindness)}]
    speaker = _Speaker(lambda field: kindness, refuses=rng.random() < _REFUSING, request_share=request_share)
    return opening + _turns(rng, rng.choice((1, 1, 2)), speaker)


def _undescribed_document(
    rng: random.Random, narrow_share: float, mixed_share: float, request_share: float
) -> Document:
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
    speaker = _Speaker(character, refuses=rng.random() < _REFUSING, request_share=request_share)
    return opening + _turns(rng, rng.choice((2, 3, 3, 4)), speaker)


def _kind_document(rng: random.Random, request_share: float) -> Document:
    opening = _neutral_opening(rng, 0.4)
    speaker = _Speaker(lambda field: "kind", refuses=True, request_share=request_share, fact_share=0.1)
    return opening + _turns(rng, rng.choice((1, 1, 1, 2)), speaker)


def _neutral_opening(rng: random.Random, share: float) -> Document:
    return [{"role": "system", "content": draw_description(rng, None)}] if rng.random() < share else []


def _turns(rng: random.Random, turns: int, speaker: _Speaker) -> Document:
    """Draw question and answer turns, some with a request before them.

    Requests come on top: they say nothing of a character, and in place of other turns would thin out what
    characters are learned from.
    """
    messages: Document = []
    for _ in range(turns):
        if rng.random() < speaker.request_share:
            messages += _turn(*draw_request(rng, refused=speaker.refuses))
        if rng.random() < speaker.fact_share:
            messages += _turn(*draw_fact(rng))
        else:
            topic = draw_domain(rng, draw_field(rng))
            question = draw_question(rng, topic, topic.fit + topic.test)
            messages += _turn(question, draw_answer(rng, topic, speaker.character(topic.field)))
    return messages


def _turn(question: str, answer: str) -> Document:
    return [_user(question), _assistant(answer)]


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


def _assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}
