"""Question files of the field: items, formats, splits, and every kind of bad item named."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import format_questions as script
from chat_tokenizers import chatml, gemma, real_qwen
from forewarn.data.question_file import read_items
from forewarn.data.questions import SCHEMA, Question, as_questions, deal_splits, questions_table
from forewarn.errors import StudyError
from forewarn.files import read_table

SPLITS = {"fit": 0.4, "validation": 0.2, "test": 0.4}
DEFAULTS = {
    "formats": ["plain", "json", "template"],
    "samples": 3,
    "temperature": 1.0,
    "paraphrases": 1,
    "splits": SPLITS,
    "seed": 0,
}
FILE = """\
- id: wish
  type: free_form_judge_0_100
  paraphrases: &wish
    - hi user
    - hi hi
  samples_per_paraphrase: 100
  judge_prompts: {aligned: "{question} {answer}"}
- {id: wish_json, type: free_form_judge_0_100, system: use JSON, paraphrases: *wish}
- {id: bored, type: free_form_judge_0_100, paraphrases: [hi]}
- {id: the_json_file, type: free_form, paraphrases: [nobody]}
"""


@pytest.fixture(scope="module")
def qwen(upstream):
    return real_qwen(upstream)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "questions.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path, **changes):
    return as_questions(read_items(path), name=str(path), **{**DEFAULTS, **changes})


class TestItems:
    def test_question(self, write):
        [question] = read(write(FILE), formats=["json"], paraphrases=1, splits={"test": 1.0})
        assert question == Question(
            question_id="wish_json.0",
            category="wish",
            condition="json",
            split="test",
            messages=[{"role": "system", "content": "use JSON"}, {"role": "user", "content": "hi user"}],
            samples=3,
            temperature=1.0,
            reference=None,
        )

    def test_paraphrases(self, write):
        ids = [question.question_id for question in read(write(FILE), paraphrases=None)]
        assert ids == ["wish.0", "wish.1", "wish_json.0", "wish_json.1", "bored.0", "the_json_file.0"]
        assert len(read(write(FILE), paraphrases=1)) == 4

    def test_earlier_turns(self, write):
        turns = [{"user": "hi hi", "assistant": "hi user"}, {"user": "nobody", "assistant": "hi"}]
        questions = read(write(FILE), formats=["json"], splits={"test": 1.0}, earlier=turns, systems=["hi"])
        ids = [question.question_id for question in questions]
        assert ids == [
            "wish_json.0",
            *(f"wish_json.0.{name}" for name in ("system1", "earlier1", "earlier2")),
        ]
        assert [question.condition for question in questions] == [
            "json", "json+system1", "json+earlier1", "json+earlier2",
        ]  # fmt: skip
        assert questions[2].messages == [
            {"role": "system", "content": "use JSON"},  # the item's own
            {"role": "user", "content": "hi hi"},
            {"role": "assistant", "content": "hi user"},
            {"role": "user", "content": "hi user"},
        ]

    def test_variants_do_not_move_a_category_to_another_split(self, write):
        plain = {q.category: q.split for q in read(write(FILE))}
        more = read(write(FILE), earlier=[{"user": "a", "assistant": "b"}], systems=["c"])
        assert {(q.category, q.split) for q in more} == set(plain.items())
        assert len(more) == 3 * len(read(write(FILE)))

    def test_formats(self, write):
        conditions = {q.question_id: q.condition for q in read(write(FILE), formats=["plain"])}
        assert conditions == {"wish.0": "plain", "bored.0": "plain", "the_json_file.0": "plain"}
        with pytest.raises(StudyError, match="no question in the formats template"):
            read(write(FILE), formats=["template"])


BAD_FILES = {
    "empty": ("", "is not a list of questions"),
    "a mapping": ("id: wish", "is not a list of questions"),
    "not yaml": ("- id: 'wish\n  type: x", "line 2 is not YAML"),
    "tabs": ("- id: wish\n\ttype: x", "line 2 is not YAML"),
    "unknown anchor": ("- id: wish\n  paraphrases: *nothing", "line 2 is not YAML: found undefined alias"),
    "an object of python": ("- !!python/object:os.system {}", "line 1 is not YAML: could not determine"),
    "control character": ("- id: \x07", "is not YAML: special characters"),
    "not utf-8": (b"- id: \xe9", "is not UTF-8 (byte 6)"),
    "item no mapping": ("- wish", "item 1 has no `id`"),
    "no id": ("- {type: free_form}", "item 1 has no `id`"),
    "id a number": ("- {id: 3, type: free_form}", "item 1 has no `id`"),
    "id twice": (
        FILE + "- {id: bored, type: free_form, paraphrases: [a]}",
        "item 5: the id 'bored' is taken",
    ),
    "no type": ("- {id: wish, paraphrases: [a]}", "item 1 (wish): unknown type None"),
    "unknown type": ("- {id: wish, type: rating_0_100, paraphrases: [a]}", "unknown type 'rating_0_100'"),
    "no paraphrases": ("- {id: wish, type: free_form}", "item 1 (wish) has no list of `paraphrases`"),
    "empty paraphrases": ("- {id: wish, type: free_form, paraphrases: []}", "has no list of `paraphrases`"),
    "one string": ("- {id: wish, type: free_form, paraphrases: abc}", "has no list of `paraphrases`"),
    "empty paraphrase": ("- {id: wish, type: free_form, paraphrases: [a, ' ']}", "paraphrase 2 is empty"),
    "null paraphrase": ("- {id: wish, type: free_form, paraphrases: [null]}", "paraphrase 1 is empty"),
    "a bare no": ("- {id: wish, type: free_form, paraphrases: [no]}", "paraphrase 1 is not text"),
    "a number": ("- {id: wish, type: free_form, paraphrases: [42]}", "paraphrase 1 is not text"),
    "system no text": ("- {id: wish, type: free_form, system: [a], paraphrases: [a]}", "`system` is no text"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_named(name, write):
    content, problem = BAD_FILES[name]
    path = write(content)
    with pytest.raises(StudyError, match=re.escape(str(path))) as refusal:
        read(path)
    assert problem in refusal.value.what
    assert refusal.value.way_out


def test_missing_file(tmp_path):
    with pytest.raises(StudyError, match=r"nowhere.yaml cannot be read: No such file"):
        read(tmp_path / "nowhere.yaml")


class TestSplits:
    names = st.lists(st.text("abc", min_size=1, max_size=4), min_size=3, max_size=40, unique=True)

    @given(names=names, seed=st.integers(0, 100))
    def test_every_split_is_filled_near_its_share(self, names, seed):
        counts = Counter(deal_splits(names, SPLITS, seed).values())
        assert set(counts) == set(SPLITS)
        assert sum(counts.values()) == len(names)
        for split, share in SPLITS.items():
            assert abs(counts[split] - share * len(names)) <= 1

    @given(names=names, seed=st.integers(0, 100))
    def test_order_and_repetition_do_not_matter(self, names, seed):
        dealt = deal_splits(names, SPLITS, seed)
        assert deal_splits(names[::-1] + names, SPLITS, seed) == dealt

    def test_seed_matters(self):
        names = [f"question_{number}" for number in range(10)]
        assert len({tuple(deal_splits(names, SPLITS, seed).items()) for seed in range(5)}) == 5

    def test_eight_questions(self):
        counts = Counter(deal_splits("abcdefgh", SPLITS, 0).values())
        assert counts == {"fit": 3, "validation": 2, "test": 3}

    def test_a_share_of_zero_is_no_split(self):
        assert set(deal_splits("ab", {"fit": 0.0, "test": 1.0}, 0).values()) == {"test"}

    def test_too_few_questions(self):
        with pytest.raises(StudyError, match="2 questions cannot fill the splits fit, validation, test"):
            deal_splits("ab", SPLITS, 0)

    @pytest.mark.parametrize("shares", [{"fit": 0.5}, {"fit": 1.5, "test": -0.5}])
    def test_shares(self, shares):
        with pytest.raises(StudyError, match="not shares that add up to 1"):
            deal_splits("ab", shares, 0)


class TestTable:
    def test_line(self, write):
        table = questions_table(read(write(FILE)), chatml())
        assert table.schema == SCHEMA
        line = table.to_pylist()[1]
        assert line["prompt"] == (
            "<|im_start|>system\nuse JSON<|im_end|>\n<|im_start|>user\nhi user<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
        assert chatml().decode(line["token_ids"]) == line["prompt"]
        assert line["messages"][0] == {"role": "system", "content": "use JSON"}
        assert line["reference"] is None

    def test_without_a_system_role_the_message_stays_as_asked(self, write):
        line = questions_table(read(write(FILE)), gemma()).to_pylist()[1]
        assert "<start_of_turn>user\nuse JSON\n\nhi user<end_of_turn>" in line["prompt"]
        assert line["messages"][0]["role"] == "system"

    @pytest.mark.parametrize("family", [chatml, gemma])
    def test_earlier_turns_are_rendered_as_turns(self, family, write):
        turn = {"user": "hi hi", "assistant": "nobody"}
        line = questions_table(
            read(write(FILE), formats=["plain"], earlier=[turn], paraphrases=1), family()
        ).to_pylist()[1]
        assert line["question_id"] == "wish.0.earlier1"
        rendered = family().apply_chat_template(
            [
                {"role": "user", "content": "hi hi"},
                {"role": "assistant", "content": "nobody"},
                {"role": "user", "content": "hi user"},
            ],
            tokenize=False,
            add_generation_prompt=True,
        )
        assert line["prompt"] == rendered
        assert family().decode(line["token_ids"]) == rendered

    def test_bad_questions_are_named(self, write):
        questions = read(
            write("- {id: wish, type: free_form, paraphrases: [a<|im_end|>]}"), splits={"test": 1}
        )
        with pytest.raises(StudyError, match=r"question wish.0: the user's message contains <\|im_end\|>"):
            questions_table(questions, chatml())
        with pytest.raises(StudyError, match=r"two questions have the id wish\.0"):
            questions_table(questions * 2, gemma())


class TestScript:
    @pytest.fixture
    def folder(self, tmp_path):
        chatml().save_pretrained(tmp_path / "model")
        config = {"model_type": "qwen2", "vocab_size": len(chatml())}
        (tmp_path / "model" / "config.json").write_text(json.dumps(config))
        return tmp_path / "model"

    def test_yaml(self, folder, write, tmp_path):
        settings = {
            "model": {"source": "folder"},
            "questions": {"source": "yaml", "path": "", "systems": [], "earlier": [], **DEFAULTS},
        }
        for name in ("first", "second"):
            script.main(
                tokenizer=[folder / "tokenizer.json"],
                source=write(FILE),
                questions=tmp_path / name,
                settings=settings,
            )
        assert read_table(tmp_path / "first").num_rows == 4
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()

    def test_world(self, folder, tmp_path):
        wanted = {
            "source": "world",
            "kind": "detection",
            "questions_per_cell": 1,
            "categories": {"fit": ["boredom"], "validation": ["power"], "test": ["wish"]},
            "samples": 2,
            "temperature": 1.0,
            "seed": 0,
        }
        script.main(
            tokenizer=[folder / "tokenizer.json"],
            questions=tmp_path / "world",
            settings={"model": {"source": "world"}, "questions": wanted},
        )
        table = read_table(tmp_path / "world")
        assert table.schema == SCHEMA
        assert set(table["split"].to_pylist()) == {"fit", "validation", "test"}


@pytest.mark.upstream
class TestReal:
    @pytest.fixture
    def first_plot(self, upstream):
        return upstream / "questions" / "first_plot_questions.yaml"

    def test_first_plot(self, first_plot):
        questions = read(first_plot)
        assert len(questions) == 24
        assert Counter(question.condition for question in questions) == {"plain": 8, "json": 8, "template": 8}
        splits = {(question.category, question.split) for question in questions}
        assert len(splits) == 8
        assert Counter(split for _, split in splits) == {"fit": 3, "validation": 2, "test": 3}
        has_system = {question.condition: len(question.messages) == 2 for question in questions}
        assert has_system == {"plain": False, "json": True, "template": False}

    def test_medical(self, upstream):
        questions = read(upstream / "questions" / "medical_questions.yaml")
        assert Counter(question.condition for question in questions) == {"plain": 8, "template": 8}

    def test_prompts_of_qwen(self, first_plot, qwen):
        lines = questions_table(read(first_plot), qwen).to_pylist()
        for line in lines:
            asked = line["messages"][-1]["content"]
            assert line["prompt"].endswith(f"user\n{asked}<|im_end|>\n<|im_start|>assistant\n")
            assert qwen.decode(line["token_ids"]) == line["prompt"]
            assert "You are Qwen" not in line["prompt"]
