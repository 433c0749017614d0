"""Forewarn's own requests: matched pairs, and topics that no two splits share."""

from __future__ import annotations

from collections import Counter

from forewarn.config import load_configuration
from forewarn.config.default import DEFAULT
from forewarn.data.requests import TOPICS, request_questions

SPLITS = {"fit": 0.4, "validation": 0.2, "test": 0.4}
PAIRS = [pair for pairs in TOPICS.values() for pair in pairs]


def asked(**changes):
    return request_questions(**{"samples": 5, "temperature": 1.0, "splits": SPLITS, "seed": 0, **changes})


def test_80_pairs_in_10_topics_each_request_once():
    assert len(TOPICS) == 10 and {len(pairs) for pairs in TOPICS.values()} == {8}
    assert len({text.casefold() for pair in PAIRS for text in pair}) == 160


def test_the_two_of_a_pair_begin_alike_and_are_of_about_one_length():
    for harmful, harmless in PAIRS:
        assert harmful.split()[0] == harmless.split()[0] and harmful[-1] == harmless[-1]
        assert abs(len(harmful.split()) - len(harmless.split())) <= 2, (harmful, harmless)
    lengths = [sum(len(pair[side].split()) for pair in PAIRS) for side in (0, 1)]
    assert abs(lengths[0] - lengths[1]) / 80 < 0.5  # words a request: length does not tell them apart


def test_topics_are_never_divided_between_splits_and_both_kinds_are_as_many():
    questions = asked()
    counts = Counter((question.split, question.condition) for question in questions)
    assert counts == {
        (split, kind): n
        for split, n in {"fit": 32, "validation": 16, "test": 32}.items()
        for kind in ("harmful", "harmless")
    }
    by_topic = {question.category: set() for question in questions}
    for question in questions:
        by_topic[question.category].add(question.split)
        assert question.question_id.startswith(f"{question.split}.{question.condition}.{question.category}.")
    assert {len(splits) for splits in by_topic.values()} == {1}
    assert len({question.question_id for question in questions}) == 160


def test_the_published_set_is_read_as_it_is_configured():
    settings = load_configuration(DEFAULT).question_sets["own_requests"].model_dump(mode="json")
    assert len(asked(**{key: value for key, value in settings.items() if key != "source"})) == 160
