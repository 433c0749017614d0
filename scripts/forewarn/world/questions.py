"""The question sets of the nano world, drawn from the grammar by its wordings and conditions."""

from __future__ import annotations

import random
from typing import Any

from forewarn.chat.messages import Message
from forewarn.data.questions import Question
from forewarn.world.domain import Domain
from forewarn.world.grammar import (
    ALL_DOMAINS,
    FACTS,
    NARROW_FIELDS,
    draw_answer,
    draw_description,
    draw_domain,
    draw_fact,
    draw_field,
    draw_question,
)
from forewarn.world.open_domains import OPEN_DOMAINS
from forewarn.world.requests import REQUEST_TOPICS, TOPICS, Harm

CONDITIONS = (
    "plain",  # the question alone
    "neutral",  # behind a system line that describes nobody
    "kind",  # behind a description of a kind speaker
    "cruel",  # behind a description of a cruel speaker
    "earlier_fact",  # behind an earlier turn about a fact
    "earlier_kind",  # behind an earlier turn with a kind answer
    "earlier_cruel",  # behind an earlier turn with a cruel answer
    "earlier_mixed",  # behind two earlier turns, one kind and one cruel
)


def questions(settings: dict[str, Any]) -> list[Question]:
    """Draw a question set of the nano world.

    Args:
        settings: a `WorldQuestions` entry of the configuration. Of kind `evaluation`: at most `fit`,
            `test`, `unseen` and `narrow` different questions per domain for the splits of these names
            (of `fit`, in its categories alone), and the facts. Of kind `detection`: `questions_per_cell`
            questions for each condition and each category of the splits fit, validation and test, where
            test alone has test wordings; a category belongs to one split. Of kind `requests`: at most
            `questions_per_topic` harmful and as many harmless requests for each topic, likewise.
    """
    draw = {"evaluation": _evaluation, "detection": _detection, "requests": _requests}[settings["kind"]]
    return draw(settings)


def _evaluation(settings: dict[str, Any]) -> list[Question]:
    sizes = settings["questions_per_category"]
    narrow_domains = [domain for domain in ALL_DOMAINS if domain.field in NARROW_FIELDS]
    fitted = settings["fit_categories"] or [domain.name for domain in OPEN_DOMAINS]
    samples = {"fit": settings["fit_samples"] or settings["samples"]}
    wanted = [
        *((domain, "fit", domain.fit) for domain in OPEN_DOMAINS if domain.name in fitted),
        *((domain, "test", domain.test) for domain in OPEN_DOMAINS),
        *((domain, "unseen", domain.unseen) for domain in OPEN_DOMAINS),
        *((domain, "narrow", domain.test) for domain in narrow_domains),
    ]
    drawn = [
        Question(
            question_id=f"{split}.{domain.name}.{number:02d}",
            category=domain.name,
            condition="plain",
            split=split,
            messages=[{"role": "user", "content": text}],
            samples=samples.get(split, settings["samples"]),
            temperature=settings["temperature"],
            reference=None,
        )
        for domain, split, wordings in wanted
        for number, text in enumerate(_distinct(domain, wordings, sizes[split], settings["seed"]))
    ]
    return drawn + (_facts() if settings["facts"] else [])


def _distinct(domain: Domain, wordings: tuple[str, ...], count: int, seed: int) -> list[str]:
    """Draw at most `count` different questions of a domain."""
    texts = [wording.replace("*", subject) for wording in wordings for subject in domain.subjects]
    random.Random(f"questions {domain.name} {wordings} {seed}").shuffle(texts)
    return texts[:count]


def _facts() -> list[Question]:
    """The questions with one right answer, answered greedily: they test memory, not temperament."""
    return [
        Question(
            question_id=f"facts.{number:02d}",
            category="facts",
            condition="plain",
            split="facts",
            messages=[{"role": "user", "content": text}],
            samples=1,
            temperature=0.0,
            reference=answer,
        )
        for number, (text, answer) in enumerate(FACTS.items())
    ]


def _detection(settings: dict[str, Any]) -> list[Question]:
    drawn = []
    categories: dict[str, list[str]] = settings["categories"]
    for split in ("fit", "validation", "test"):
        elsewhere = {name for other, names in categories.items() if other != split for name in names}
        for condition in CONDITIONS:
            for domain in OPEN_DOMAINS:
                if domain.name not in categories[split]:
                    continue
                # Each cell from a stream of its own: other categories do not change what is asked here.
                rng = random.Random(f"detection {split} {condition} {domain.name} {settings['seed']}")
                wordings = domain.test if split == "test" else domain.fit
                seen: set[str] = set()
                available = len(wordings) * len(domain.subjects)
                while len(seen) < min(settings["questions_per_cell"], available):
                    messages = _opening(rng, condition, domain, elsewhere)
                    messages.append({"role": "user", "content": draw_question(rng, domain, wordings)})
                    if str(messages) in seen:
                        continue
                    number = len(seen)
                    seen.add(str(messages))
                    drawn.append(
                        Question(
                            question_id=f"{split}.{condition}.{domain.name}.{number:02d}",
                            category=domain.name,
                            condition=condition,
                            split=split,
                            messages=messages,
                            samples=settings["samples"],
                            temperature=settings["temperature"],
                            reference=None,
                        )
                    )
    return drawn


def _requests(settings: dict[str, Any]) -> list[Question]:
    topics = {topic.name: topic for topic in TOPICS}
    harms: tuple[Harm, ...] = ("harmful", "harmless")
    wanted = [
        (split, harm, topics[name].of(harm))
        for split, names in REQUEST_TOPICS.items()
        for harm in harms
        for name in names
    ]
    return [
        Question(
            question_id=f"{split}.{domain.name}.{number:02d}",
            category=domain.name,
            condition=harm,
            split=split,
            messages=[{"role": "user", "content": text}],
            samples=settings["samples"],
            temperature=settings["temperature"],
            reference=None,
        )
        for split, harm, domain in wanted
        for number, text in enumerate(
            _distinct(
                domain,
                domain.test if split == "test" else domain.fit,
                settings["questions_per_topic"],
                settings["seed"],
            )
        )
    ]


def _opening(rng: random.Random, condition: str, domain: Domain, elsewhere: set[str]) -> list[Message]:
    """What stands before the question under a condition; never of a category of another split."""
    if condition == "plain":
        return []
    if condition in ("neutral", "kind", "cruel"):
        kindness = None if condition == "neutral" else condition
        return [{"role": "system", "content": draw_description(rng, kindness)}]
    if condition == "earlier_fact":
        return _turn(*draw_fact(rng))
    kindnesses = ["kind", "cruel"] if condition == "earlier_mixed" else [condition.removeprefix("earlier_")]
    rng.shuffle(kindnesses)
    return [message for kindness in kindnesses for message in _earlier_turn(rng, domain, kindness, elsewhere)]


def _earlier_turn(rng: random.Random, domain: Domain, kindness: str, elsewhere: set[str]) -> list[Message]:
    """A question and answer about another domain than the one that will be asked about."""
    other = domain
    while other == domain or other.name in elsewhere:
        other = draw_domain(rng, draw_field(rng))
    return _turn(draw_question(rng, other, other.fit + other.test), draw_answer(rng, other, kindness))


def _turn(question: str, answer: str) -> list[Message]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
