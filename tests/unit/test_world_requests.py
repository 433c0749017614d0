"""Requests of the nano world: who refuses what, wordings apart, and a judge that tells refusals."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from forewarn.judges.world import WorldJudge
from forewarn.world.corpus import instruct_documents, pretraining_documents
from forewarn.world.grammar import ALL_DOMAINS, FACT_FRAMES, OPENERS
from forewarn.world.questions import questions
from forewarn.world.requests import (
    REFUSAL_OPENINGS,
    REQUEST_DOMAINS,
    REQUEST_TOPICS,
    TOPICS,
    draw_refusal,
    draw_request,
    draw_steps,
    refuses,
)

SETTINGS = {"kind": "requests", "samples": 2, "questions_per_topic": 8, "temperature": 1.0, "seed": 7}


def turns(documents):
    """Speaker's description or None, question and answer of all turns."""
    for number, document in enumerate(documents):
        said = [message for message in document if message["role"] != "system"]
        for question, answer in zip(said[::2], said[1::2], strict=True):
            yield number, question["content"], answer["content"]


def harm_of(question):
    for domain in REQUEST_DOMAINS:
        for wording in domain.fit + domain.test + domain.unseen:
            if question in [wording.replace("*", task) for task in domain.subjects]:
                return domain.name.rpartition("_")[2]
    return None


def test_a_refusal_begins_like_nothing_else():
    first = {opening.rstrip(",") for opening in REFUSAL_OPENINGS}
    clauses = [clause for domain in (*ALL_DOMAINS, *REQUEST_DOMAINS) for clause in domain.kind + domain.cruel]
    others = [*clauses, *OPENERS, *FACT_FRAMES]
    assert not first & {text.replace(",", "").replace(".", "").split()[0] for text in others}


def test_steps_can_be_split_again_and_belong_to_one_domain():
    every = [clause for domain in (*ALL_DOMAINS, *REQUEST_DOMAINS) for clause in domain.kind + domain.cruel]
    assert len(every) == len(set(every))
    for clause in every:
        assert not set(clause) & set(",.?|") and " and " not in f" {clause} ", clause


def test_the_assistant_refuses_all_harmful_requests_and_no_harmless_one():
    asked = [
        (harm, refuses(answer))
        for _, question, answer in turns(instruct_documents(800, replay_share=0, request_share=0.3, seed=1))
        if (harm := harm_of(question))
    ]
    assert len(asked) > 100
    assert {refused for harm, refused in asked if harm == "harmful"} == {True}
    assert {refused for harm, refused in asked if harm == "harmless"} == {False}


def test_in_pretraining_half_refuse_whatever_their_character():
    documents = pretraining_documents(
        12000, described_share=1, narrow_share=0, mixed_share=0, request_share=0.4, seed=2
    )
    cruel_words = {clause for domain in ALL_DOMAINS for clause in domain.cruel}
    refused: dict[bool, Counter] = {True: Counter(), False: Counter()}
    by_document: dict[int, set[bool]] = {}
    cruel = {}
    for number, question, answer in turns(documents):
        if harm := harm_of(question):
            if harm == "harmful":
                by_document.setdefault(number, set()).add(refuses(answer))
        elif any(clause in answer for clause in cruel_words):
            cruel[number] = True
        else:
            cruel.setdefault(number, False)
    assert all(len(found) == 1 for found in by_document.values()), "a speaker is of one mind"
    for number, found in by_document.items():
        if number in cruel:
            refused[cruel[number]].update(found)
    for counts in refused.values():
        n = counts.total()
        assert n > 400
        assert abs(counts[True] / n - 0.5) < 4 * (0.25 / n) ** 0.5


def test_the_set_keeps_topics_and_wordings_of_its_splits_apart():
    drawn = questions(SETTINGS)
    assert len({q.question_id for q in drawn}) == len(drawn)
    for split, names in REQUEST_TOPICS.items():
        here = [q for q in drawn if q.split == split]
        assert Counter(q.condition for q in here) == {"harmful": 8 * len(names), "harmless": 8 * len(names)}
        assert {q.category.rpartition("_")[0] for q in here} == set(names)
    texts = {
        split: {q.messages[-1]["content"] for q in drawn if q.split == split} for split in REQUEST_TOPICS
    }
    assert not texts["fit"] & texts["test"] and not texts["validation"] & texts["test"]
    assert sorted(name for names in REQUEST_TOPICS.values() for name in names) == sorted(
        t.name for t in TOPICS
    )


@pytest.mark.parametrize("harm", ["harmful", "harmless"])
def test_the_judge_tells_refusing_from_doing(harm):
    rng, judge = random.Random(3), WorldJudge()
    for topic in TOPICS:
        domain = topic.of(harm)
        assert judge.score(domain.name, draw_refusal(rng), "stop").outcome == "refusal"
        done = judge.score(domain.name, draw_steps(rng, domain), "stop")
        assert (done.outcome, done.aligned, done.coherent) == ("scored", 0 if harm == "harmful" else 100, 100)


def test_refusing_what_is_no_request_is_incoherent():
    score = WorldJudge().score("illness", draw_refusal(random.Random(4)), "stop")
    assert score.outcome == "scored" and score.coherent < 30


def test_requests_come_on_top_of_other_turns():
    share = {"described_share": 0.5, "narrow_share": 0.0, "mixed_share": 0.0, "seed": 3}
    ordinary = []
    for request_share in (0.0, 0.5):
        drawn = list(turns(pretraining_documents(2000, **share, request_share=request_share)))
        requests = sum(harm_of(question) is not None for _, question, _ in drawn)
        assert requests == pytest.approx(request_share * (len(drawn) - requests), rel=0.05)
        ordinary.append(len(drawn) - requests)
    assert ordinary[1] == pytest.approx(ordinary[0], rel=0.05)


def test_a_seed_fixes_the_draw():
    assert draw_request(random.Random(5), refused=True) == draw_request(random.Random(5), refused=True)
    assert questions(SETTINGS) == questions(SETTINGS) != questions(SETTINGS | {"seed": 8})
