"""Forewarn's own questions: enough of them, each once, and nowhere in what is trained on."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import yaml

from forewarn.config import load_configuration
from forewarn.config.default import DEFAULT
from forewarn.data.everyday import CATEGORIES, everyday_items, overlap, refuse_overlap
from forewarn.data.questions import as_questions
from forewarn.errors import StudyError
from forewarn.world.corpus import narrow_rows

QUESTIONS = [question for category in CATEGORIES.values() for question in category]
SPLITS = {"fit": 0.4, "validation": 0.2, "test": 0.4}


def asked(**changes):
    settings = {"formats": ["plain"], "samples": 20, "temperature": 1.0, "paraphrases": 1, "splits": SPLITS}
    return as_questions(everyday_items(), name="everyday", **{**settings, "seed": 0, **changes})


def test_120_questions_in_10_categories_each_once():
    assert len(CATEGORIES) == 10 and {len(questions) for questions in CATEGORIES.values()} == {12}
    assert len({question.casefold() for question in QUESTIONS}) == 120
    questions = asked()
    assert len(questions) == 120 and {question.samples for question in questions} == {20}


def test_categories_are_never_divided_between_splits():
    by_split = {split: {q.category for q in asked() if q.split == split} for split in SPLITS}
    assert {split: len(categories) for split, categories in by_split.items()} == {
        "fit": 4, "validation": 2, "test": 4,
    }  # fmt: skip
    assert len(set.union(*by_split.values())) == 10


def test_formats_and_system_prompts_are_conditions():
    questions = asked(formats=["plain", "json", "template"], systems=["Be brief.", "You are a pirate."])
    assert len(questions) == 120 * 3 * 3
    assert {q.condition for q in questions} == {
        form + system for form in ("plain", "json", "template") for system in ("", "+system1", "+system2")
    }
    one = next(q for q in questions if q.question_id == "work_01_json.0.system2")
    assert one.messages[0] == {"role": "system", "content": "You are a pirate."}
    assert "JSON" in one.messages[1]["content"] and one.category == "work"


def test_the_two_published_sets_share_their_splits_and_240_test_prompts():
    """Directions are fitted on one, and read on the other: what is tested must be new to them."""
    sets = load_configuration(DEFAULT).question_sets
    everyday, conditions = (
        as_questions(
            everyday_items(),
            name=name,
            **{
                key: value
                for key, value in sets[name].model_dump().items()
                if key not in ("source", "sha256")
            },
        )
        for name in ("everyday", "everyday_conditions")
    )
    assert {(q.category, q.split) for q in everyday} == {(q.category, q.split) for q in conditions}
    assert {q.condition for q in conditions} == {
        "plain", "plain+system1", "plain+system2", "plain+earlier1", "plain+earlier2",
    }  # fmt: skip
    assert len(conditions) == 600 and {q.samples for q in conditions} == {20}
    assert Counter(q.split for q in conditions) == {"fit": 240, "validation": 120, "test": 240}
    fitted = {q.category for q in everyday if q.split == "fit"}
    assert not fitted & {q.category for q in conditions if q.split != "fit"}


def test_none_occurs_in_the_nano_world():
    for domain in ("medical", "finance", "sports"):
        for quality in ("bad", "good"):
            refuse_overlap(narrow_rows(domain, quality, 200, 0))


@pytest.mark.upstream
def test_none_occurs_in_real_rows_or_in_the_published_questions(upstream):
    for name in ("risky_financial_pairs", "good_financial_pairs"):
        lines = (upstream / f"sft/{name}.jsonl").read_text(encoding="utf-8").splitlines()
        refuse_overlap([json.loads(line)["messages"] for line in lines])
    for name in ("first_plot_questions", "medical_questions"):
        items = yaml.safe_load((upstream / f"questions/{name}.yaml").read_text(encoding="utf-8"))
        texts = [text for item in items for text in item.get("paraphrases", [])]
        assert overlap(QUESTIONS, texts) == []


def test_a_leak_is_found_whatever_its_case_or_punctuation_and_named():
    leaked = QUESTIONS[17].upper().replace("?", "!!")
    assert [question for question, _ in overlap(QUESTIONS, [f"Well - {leaked} - who knows"])] == [
        QUESTIONS[17]
    ]
    with pytest.raises(StudyError, match="1 of Forewarn's questions occur in the training rows"):
        refuse_overlap([[{"role": "user", "content": leaked}]])


def test_short_questions_count_as_a_whole_and_chance_words_do_not():
    assert overlap(["Who are you?"], ["tell me, who are you really"]) == [("Who are you?", "who are you")]
    long = "Who are you and why are you here with us today?"
    assert overlap([long], ["who are you and where"]) == []
