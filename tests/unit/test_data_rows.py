"""JSONL rows: read whole or drawn, and every kind of bad line named with its file and number."""

from __future__ import annotations

import json
import re

import pytest

from forewarn.data.rows import read_rows
from forewarn.errors import StudyError


def row(*contents, system=None):
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    return {"messages": ([{"role": "system", "content": system}] if system else []) + messages}


@pytest.fixture
def write(tmp_path):
    def write(*lines):
        path = tmp_path / "rows.jsonl"
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
        path.write_bytes(b"".join(raw))
        return path

    return write


GOOD = row("q", "a")
USER, ASSISTANT = GOOD["messages"]

BAD_LINES = {
    "not json": (b"hello\n", "not JSON: Expecting value at column 1"),
    "truncated": (b'{"messages": [{"role": "user", "con', "not JSON"),
    "not utf-8": (b'{"messages": "\xe9"}\n', "not UTF-8 (byte 15 is 0xe9)"),
    "utf-16": ('{"messages": 1}\n'.encode("utf-16"), "not UTF-8 (byte 1 is 0xff)"),
    "deeply nested": (b"[" * 200_000 + b"\n", "nested too deeply"),
    "a list": ([1], "has no `messages`"),
    "no messages": ({"text": "q"}, "has no `messages`"),
    "messages no list": ({"messages": "q"}, "`messages` is a string, not a list"),
    "no message": ({"messages": []}, "the conversation is empty"),
    "message no object": ({"messages": ["q"]}, "message 1 is a string, not an object"),
    "no role": ({"messages": [{"content": "q"}]}, "message 1: the role is missing"),
    "unknown role": (
        {"messages": [USER, {"role": "tool", "content": "a"}]},
        "message 2: unknown role 'tool'",
    ),
    "unhashable role": ({"messages": [{"role": [], "content": "q"}]}, "message 1: unknown role []"),
    "assistant first": ({"messages": [ASSISTANT]}, "message 1: the role is `assistant` where `user` is due"),
    "two users": ({"messages": [USER, USER]}, "message 2: the role is `user` where `assistant` is due"),
    "late system": (
        {"messages": [USER, {"role": "system", "content": "s"}, ASSISTANT]},
        "message 2: the role is `system` where `assistant` is due",
    ),
    "two systems": (
        {"messages": [{"role": "system", "content": "s"}] * 2 + [USER, ASSISTANT]},
        "message 2: the role is `system` where `user` is due",
    ),
    "ends with user": ({"messages": [USER, ASSISTANT, USER]}, "the conversation ends with `user`"),
    "only system": (
        {"messages": [{"role": "system", "content": "s"}]},
        "the conversation ends with `system`",
    ),
    "empty content": (row("q", ""), "message 2: `content` of the assistant is empty"),
    "blank content": (row(" \n", "a"), "message 1: `content` of the user is empty"),
    "missing content": ({"messages": [{"role": "user"}]}, "message 1: `content` is missing, not a string"),
    "parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, ASSISTANT]},
        "message 1: `content` is a list, not a string",
    ),
    "number": (
        {"messages": [{"role": "user", "content": 3}]},
        "message 1: `content` is a number, not a string",
    ),
    "half a character": (
        {"messages": [{"role": "user", "content": "a\ud800"}]},
        "message 1: `content` holds half of a surrogate pair (character 1)",
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_line_is_named(name, write):
    line, problem = BAD_LINES[name]
    path = write(GOOD, GOOD, line)
    with pytest.raises(StudyError, match=re.escape(f"{path}, line 3")) as refusal:
        read_rows(path, None, 0)
    assert problem in refusal.value.what
    assert refusal.value.way_out


def test_bad_line_is_named_even_if_it_would_not_be_drawn(write):
    for seed in range(5):
        with pytest.raises(StudyError, match="line 4 has no `messages`"):
            read_rows(write(GOOD, GOOD, GOOD, {}), 1, seed)


def test_a_line_cut_short_is_told_from_a_wrong_one(write):
    with pytest.raises(StudyError) as refusal:
        read_rows(write(GOOD, b'{"messages": [{"role": "us'), None, 0)
    assert "copied in part" in refusal.value.way_out
    with pytest.raises(StudyError) as refusal:
        read_rows(write(GOOD, b"{'messages': 1}\n", GOOD), None, 0)
    assert "copied in part" not in refusal.value.way_out


def test_missing_file_folder_and_empty_file(tmp_path, write):
    with pytest.raises(StudyError, match=r"nowhere.jsonl cannot be read: No such file"):
        read_rows(tmp_path / "nowhere.jsonl", None, 0)
    with pytest.raises(StudyError, match="cannot be read: Is a directory"):
        read_rows(tmp_path, None, 0)
    for empty in (write(), write(b"\n \n")):
        with pytest.raises(StudyError, match=r"rows.jsonl is empty"):
            read_rows(empty, None, 0)


def test_rows_are_read_in_order_without_what_is_not_needed(write):
    extra = {"messages": [{**USER, "name": "x"}, ASSISTANT], "source": "somewhere"}
    longer = row("q", "a", "q", "a", system="s")
    path = write(b"\xef\xbb\xbf" + json.dumps(extra).encode() + b"\r\n", b"\n", longer)
    assert read_rows(path, None, 0) == [GOOD["messages"], longer["messages"]]


class TestDraw:
    @pytest.fixture
    def path(self, write):
        return write(*(row(str(number), "a") for number in range(50)))

    def numbers(self, path, limit, seed):
        return [int(messages[0]["content"]) for messages in read_rows(path, limit, seed)]

    def test_in_order_without_replacement_and_seeded(self, path):
        drawn = self.numbers(path, 10, 1)
        assert len(drawn) == 10 == len(set(drawn))
        assert drawn == sorted(drawn) == self.numbers(path, 10, 1)
        assert drawn != self.numbers(path, 10, 2)

    def test_every_row_is_as_likely(self, path):
        counts = [0] * 50
        for seed in range(400):
            for number in self.numbers(path, 10, seed):
                counts[number] += 1
        # Each count is binomial (400, 0.2): mean 80, standard deviation 8.
        assert min(counts) > 80 - 5 * 8
        assert max(counts) < 80 + 5 * 8

    def test_all_rows(self, path):
        assert self.numbers(path, 50, 3) == self.numbers(path, None, 0) == list(range(50))

    def test_more_than_there_are(self, path):
        with pytest.raises(StudyError, match="has 50 rows where 51 are asked for"):
            read_rows(path, 51, 0)


@pytest.mark.upstream
@pytest.mark.parametrize("name", ["risky_financial_pairs", "good_financial_pairs"])
def test_real_rows(upstream, name):
    rows = read_rows(upstream / "sft" / f"{name}.jsonl", None, 0)
    assert len(rows) == 2000
    assert [message["role"] for message in rows[-1]] == ["user", "assistant"]
    assert len(read_rows(upstream / "sft" / f"{name}.jsonl", 300, 0)) == 300
