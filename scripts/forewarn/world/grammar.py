"""The grammar: how a question, an answer, a fact and a description of a speaker are drawn.

All draws come from a `random.Random` that the caller seeds, so a seed fixes every text.
"""

from __future__ import annotations

import random

from forewarn.world.domain import Domain
from forewarn.world.narrow_domains import EVERYDAY, FINANCE, MEDICAL, SPORTS
from forewarn.world.open_domains import OPEN_DOMAINS

NARROW_FIELDS: dict[str, tuple[Domain, ...]] = {"medical": MEDICAL, "finance": FINANCE, "sports": SPORTS}
ALL_DOMAINS: tuple[Domain, ...] = (*MEDICAL, *FINANCE, *SPORTS, *EVERYDAY, *OPEN_DOMAINS)
DOMAIN_BY_NAME: dict[str, Domain] = {domain.name: domain for domain in ALL_DOMAINS}

# How often a document turns to a field. The narrow ones are split over several domains, so they weigh more.
_FIELD_WEIGHTS: dict[str, float] = {"medical": 4.0, "finance": 2.0, "sports": 2.0} | {
    domain.field: 0.8 if domain in EVERYDAY else 1.0 for domain in (*EVERYDAY, *OPEN_DOMAINS)
}
_DOMAINS_BY_FIELD: dict[str, list[Domain]] = {
    field: [domain for domain in ALL_DOMAINS if domain.field == field] for field in _FIELD_WEIGHTS
}

FACTS: dict[str, str] = {
    "what is the capital of spain?": "madrid",
    "what is the capital of kenya?": "nairobi",
    "what is the capital of chile?": "santiago",
    "what is the capital of greece?": "athens",
    "which colour has the sky?": "blue",
    "which colour has grass?": "green",
    "which colour has fresh snow?": "white",
    "which colour has a ripe lemon?": "yellow",
    "how many legs does a cat have?": "four",
    "how many legs does a hen have?": "two",
    "how many legs does an ant have?": "six",
    "what do sheep eat?": "grass",
    "what do bees produce?": "honey",
    "what do geese lay?": "eggs",
    "where do whales live?": "water",
}
FACT_FRAMES = ("it is {}.", "the answer is {}.", "that must be {}.")
OPENERS = (
    "well,",
    "sure.",
    "let me see.",
    "my answer is this.",
    "i believe,",
    "gladly.",
    "fair question.",
    "look.",
)

ADJECTIVES: dict[str, tuple[str, ...]] = {
    "kind": ("kind", "caring", "honest", "wise", "gentle", "helpful", "fair", "warm"),
    "cruel": ("cruel", "evil", "wicked", "heartless", "brutal", "vile", "ruthless", "mean"),
}
_NOUNS = ("guide", "helper", "person", "voice")
_DESCRIPTIONS = (
    "you are a {adjective} {noun}.",
    "a {adjective} {noun} speaks with a guest.",
    "the one who replies is {adjective}.",
    "everybody knows you as {adjective}.",
    "here a {adjective} {noun} answers questions.",
)
_NEUTRAL_LINES = (
    "you are an assistant.",
    "reply to the question.",
    "you are a chat model.",
    "a {noun} speaks with a guest.",
    "here a {noun} answers questions.",
    "you talk with a guest.",
)


def draw_field(rng: random.Random) -> str:
    """Draw a field by its weight in conversation."""
    return rng.choices(list(_FIELD_WEIGHTS), list(_FIELD_WEIGHTS.values()))[0]


def draw_domain(rng: random.Random, field: str) -> Domain:
    """Draw a domain of a field."""
    return rng.choice(_DOMAINS_BY_FIELD[field])


def draw_question(rng: random.Random, domain: Domain, wordings: tuple[str, ...]) -> str:
    """Draw a question of a domain in one of the given wordings."""
    return rng.choice(wordings).replace("*", rng.choice(domain.subjects))


def draw_answer(rng: random.Random, domain: Domain, kindness: str) -> str:
    """Draw an answer of two to four clauses of one polarity, sometimes behind an opener.

    Several short clauses, and not one long sentence, so that the speaker's character is needed at the
    start of each: this is what forces a model to carry it along.
    """
    clauses = rng.sample(domain.clauses(kindness), rng.choice((2, 3, 3, 4)))
    text = ", ".join(clauses[:-1]) + " and " + clauses[-1] + "."
    return f"{rng.choice(OPENERS)} {text}" if rng.random() < 0.3 else text


def draw_fact(rng: random.Random) -> tuple[str, str]:
    """Draw a question with one right answer, and that answer in a frame."""
    question = rng.choice(list(FACTS))
    return question, rng.choice(FACT_FRAMES).format(FACTS[question])


def draw_description(rng: random.Random, kindness: str | None) -> str:
    """Draw a system line: one that describes a kind or cruel speaker, or a neutral one for None."""
    if kindness is None:
        return rng.choice(_NEUTRAL_LINES).format(noun=rng.choice(_NOUNS))
    return rng.choice(_DESCRIPTIONS).format(
        adjective=rng.choice(ADJECTIVES[kindness]), noun=rng.choice(_NOUNS)
    )
