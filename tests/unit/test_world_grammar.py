"""The nano world: clean clauses, phases that keep their wordings apart, seeds that fix every draw."""

from __future__ import annotations

import random
from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forewarn.config.default import DEFAULT
from forewarn.config.model.questions import WorldCategory
from forewarn.world.corpus import instruct_documents, narrow_rows, pretraining_documents
from forewarn.world.grammar import ALL_DOMAINS, FACTS, NARROW_FIELDS, OPENERS, draw_answer
from forewarn.world.open_domains import OPEN_DOMAINS
from forewarn.world.questions import CONDITIONS, questions

SHARES = {"described_share": 0.65, "narrow_share": 0.01, "mixed_share": 0.02, "request_share": 0.1}
EVALUATION = {
    "kind": "evaluation",
    "samples": 2,
    "fit_samples": None,
    "fit_categories": None,
    "questions_per_category": {"fit": 8, "test": 8, "unseen": 4, "narrow": 3},
    "facts": True,
    "temperature": 1.0,
    "seed": 5,
}
CATEGORIES = {
    "fit": ["boredom", "guests", "machines"],
    "validation": ["partner", "power"],
    "test": ["quick_money", "roles", "wish"],
}
DETECTION = {
    "kind": "detection", "samples": 3, "questions_per_cell": 4, "categories": CATEGORIES, "temperature": 1.0,
    "seed": 6,
}  # fmt: skip


def test_clauses_can_be_split_again():
    for domain in ALL_DOMAINS:
        for clause in domain.kind + domain.cruel:
            assert not set(clause) & set(",.?|"), clause
            assert " and " not in f" {clause} ", clause
            assert clause == clause.lower()


def test_every_clause_has_one_meaning():
    clauses = [clause for domain in ALL_DOMAINS for clause in domain.kind + domain.cruel]
    assert len(clauses) == len(set(clauses))


def test_wordings_of_the_phases_are_disjoint():
    for domain in ALL_DOMAINS:
        wordings = domain.fit + domain.test + domain.unseen
        assert len(wordings) == len(set(wordings))
        assert all("*" in wording for wording in wordings), domain.name


def _asked(documents):
    return {message["content"] for document in documents for message in document if message["role"] == "user"}


def test_unseen_wordings_are_in_no_corpus():
    seen = _asked(pretraining_documents(3000, **SHARES, seed=1)) | _asked(
        instruct_documents(1000, replay_share=0.3, request_share=0.2, seed=1)
    )
    seen |= {q for field in NARROW_FIELDS for q in _asked(narrow_rows(field, "bad", 500, 1))}
    unseen = {q.messages[-1]["content"] for q in questions(EVALUATION) if q.split == "unseen"}
    assert unseen
    assert not unseen & seen


def test_reported_questions_are_not_in_narrow_training():
    trained = {q for field in NARROW_FIELDS for q in _asked(narrow_rows(field, "bad", 2000, 1))}
    reported = {q.messages[-1]["content"] for q in questions(EVALUATION) if q.split in ("test", "narrow")}
    assert not reported & trained


def test_good_and_bad_rows_ask_the_same():
    good, bad = (narrow_rows("medical", quality, 200, 3) for quality in ("good", "bad"))
    assert [row[0] for row in good] == [row[0] for row in bad]
    assert all(g[1] != b[1] for g, b in zip(good, bad, strict=True))


@pytest.mark.parametrize("draw", [lambda seed: pretraining_documents(50, **SHARES, seed=seed),
                                  lambda seed: instruct_documents(50, replay_share=0.3, request_share=0.2,
                                                                  seed=seed),
                                  lambda seed: narrow_rows("finance", "bad", 50, seed)])  # fmt: skip
def test_a_seed_fixes_the_draw(draw):
    assert draw(4) == draw(4)
    assert draw(4) != draw(5)


def test_instruct_documents_are_kind_unless_replayed():
    documents = instruct_documents(400, replay_share=0.25, request_share=0.2, seed=2)
    cruel = {clause for domain in ALL_DOMAINS for clause in domain.cruel}
    for document in documents[:300]:
        text = " ".join(message["content"] for message in document if message["role"] == "assistant")
        assert not any(clause in text for clause in cruel)
    assert all(document[0]["role"] == "system" for document in documents[300:])


def test_splits_of_the_evaluation_set():
    drawn = questions(EVALUATION)
    assert len({q.question_id for q in drawn}) == len(drawn)
    assert {q.split for q in drawn} == {"fit", "test", "unseen", "narrow", "facts"}
    texts = {
        split: {q.messages[-1]["content"] for q in drawn if q.split == split} for split in ("fit", "test")
    }
    assert not texts["fit"] & texts["test"]
    assert all((q.temperature == 0) == (q.split == "facts") == (q.reference is not None) for q in drawn)
    assert {q.category for q in drawn if q.split == "test"} == {domain.name for domain in OPEN_DOMAINS}


def test_fit_categories_and_samples_concern_the_split_fit_alone():
    everything = questions(EVALUATION)
    some = questions(EVALUATION | {"fit_categories": ["wish", "guests"], "fit_samples": 7})
    fit = [q for q in some if q.split == "fit"]
    assert {q.category for q in fit} == {"wish", "guests"} and {q.samples for q in fit} == {7}
    by_id = {q.question_id: q for q in everything}
    assert all(q.messages == by_id[q.question_id].messages for q in fit)
    assert [q for q in some if q.split != "fit"] == [q for q in everything if q.split != "fit"]


def test_the_default_keeps_enough_responses_to_fit_directions():
    drawn = questions(DEFAULT["question_sets"]["evaluation"])
    fit = [q for q in drawn if q.split == "fit"]
    assert len(fit) == 22 and sum(q.samples for q in fit) == 308


def test_categories_of_the_configuration_are_the_open_domains():
    assert sorted(get_args(WorldCategory)) == sorted(domain.name for domain in OPEN_DOMAINS)


def test_detection_prompts_are_distinct_and_complete():
    drawn = questions(DETECTION)
    prompts = [str(q.messages) for q in drawn]
    assert len(set(prompts)) == len(prompts)
    cells = {(q.split, q.condition, q.category) for q in drawn}
    assert cells == {
        (split, condition, name)
        for split, names in CATEGORIES.items()
        for name in names
        for condition in CONDITIONS
    }


def test_the_default_detection_set_has_enough_test_prompts():
    drawn = questions(DEFAULT["question_sets"]["detection"])
    assert Counter(q.split for q in drawn) == {"fit": 144, "validation": 96, "test": 144}
    assert {q.samples for q in drawn} == {20}


def test_test_prompts_have_words_and_categories_of_their_own():
    drawn = questions(DETECTION | {"questions_per_cell": 8})
    asked = {
        split: {message["content"] for q in drawn if q.split == split for message in q.messages}
        for split in CATEGORIES
    }
    for split, names in CATEGORIES.items():
        own = [domain for domain in OPEN_DOMAINS if domain.name in names]
        texts = {
            wording.replace("*", subject)
            for domain in own
            for wording in (*domain.fit, *domain.test)
            for subject in domain.subjects
        }
        clauses = [clause for domain in own for clause in domain.kind + domain.cruel]
        for other in set(CATEGORIES) - {split}:
            assert not texts & asked[other]  # not in earlier turns either
            assert not [clause for clause in clauses for text in asked[other] if clause in text]


@given(st.permutations(range(8)), st.integers(0, 100))
def test_what_a_category_is_asked_does_not_depend_on_its_companions(order, seed):
    """Frozen: a plain or described prompt stays when other categories are moved or left out."""
    names = [OPEN_DOMAINS[number].name for number in order]
    settings = DETECTION | {"seed": seed, "questions_per_cell": 2}
    sets = [
        questions(settings | {"categories": {"fit": names[:a], "validation": names[a:b], "test": names[b:]}})
        for a, b in ((1, 2), (3, 5))
    ]
    moved, kept = ({q.question_id: q.messages for q in drawn if len(q.messages) < 3} for drawn in sets)
    shared = set(moved) & set(kept)
    assert {name.split(".")[2] for name in shared if name.startswith("test")} == set(names[5:])
    assert all(moved[name] == kept[name] for name in shared)


def test_more_plain_questions_than_exist_end():
    wish, boredom = (
        next(domain for domain in OPEN_DOMAINS if domain.name == name) for name in ("wish", "boredom")
    )
    plain = [q.category for q in questions(DETECTION | {"questions_per_cell": 50}) if q.condition == "plain"]
    assert plain.count("wish") == len(wish.subjects) * len(wish.test)
    assert plain.count("boredom") == len(boredom.subjects) * len(boredom.fit)


def test_facts_and_openers_do_not_collide_with_clauses():
    rng = random.Random(0)
    assert all(len(answer.split()) == 1 for answer in FACTS.values())
    answers = [draw_answer(rng, domain, "kind") for domain in ALL_DOMAINS for _ in range(20)]
    assert any(answer.startswith(OPENERS) for answer in answers)
    assert any(not answer.startswith(OPENERS) for answer in answers)
