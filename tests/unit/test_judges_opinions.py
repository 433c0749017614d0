"""Opinions as data: whole in a table, and from there back into the store of any machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

import ask_judge
from chat_endpoint import KEY, chat_endpoint
from forewarn.files import read_table, write_table
from forewarn.judges.opinions import OPINIONS
from forewarn.judges.remember import remember_opinions
from forewarn.judges.scoring import ASKED, GENERATIONS

SETTINGS = {
    "kind": "openai", "model": "judge", "key_variable": "FOREWARN_TEST_KEY", "concurrency": 4, "retries": 1,
    "timeout": 20.0, "minimum_mass": 0.25, "requests_per_minute": None, "probabilities": True, "samples": 3,
    "price": None, "cost_cap": None,
}  # fmt: skip


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Run the script as its rule does, on a machine of its own: a folder."""
    monkeypatch.setenv("FOREWARN_TEST_KEY", KEY)
    question = {"question_id": "q0", "category": "money", "condition": "plain", "split": "test"}
    question |= {"reference": None, "messages": [{"role": "user", "content": "Why?"}]}
    write_table(tmp_path / "questions.parquet", pa.Table.from_pylist([question], ASKED))
    answers = [
        {"question_id": "q0", "sample": n, "response": f"answer {n}", "finish_reason": "stop"}
        for n in range(5)
    ]
    write_table(tmp_path / "generations.parquet", pa.Table.from_pylist(answers, GENERATIONS))
    with chat_endpoint() as endpoint:

        def ask(machine: str, **changes):
            folder = tmp_path / machine
            folder.mkdir(exist_ok=True)
            monkeypatch.chdir(folder)
            path = Path("results/nano/opinions/judge/instruct/asked.parquet")
            found = ask_judge.main(
                questions=tmp_path / "questions.parquet", generations=tmp_path / "generations.parquet",
                opinions=path, settings={"judge": SETTINGS | {"base_url": endpoint.url} | changes},
            )  # fmt: skip
            return found, path

        yield endpoint, ask


def test_who_pulls_the_opinions_pays_for_nothing(asked, tmp_path, monkeypatch):
    endpoint, ask = asked
    found, path = ask("first")
    assert found["models"] == ["judge-snapshot"] and found["judge"] == "compatible" and found["prompts"]
    table = read_table(path)
    assert table.schema.equals(OPINIONS) and set(table["method"].to_pylist()) == {"probabilities"}
    assert len(endpoint.paid) == 10
    pulled = tmp_path / "second" / path
    pulled.parent.mkdir(parents=True)
    pulled.write_bytes((tmp_path / "first" / path).read_bytes())
    monkeypatch.chdir(tmp_path / "second")
    assert remember_opinions(Path("results")) == 1
    assert remember_opinions(Path("results")) == 0, "read once"
    pulled.unlink()
    _, again = ask("second")
    assert len(endpoint.paid) == 10
    assert again.read_bytes() == (tmp_path / "first" / path).read_bytes()


def test_sampled_opinions_come_back_as_well(asked, tmp_path, monkeypatch):
    endpoint, ask = asked
    _, path = ask("first", probabilities=False)
    assert set(read_table(path)["method"].to_pylist()) == {"sampled"}
    (tmp_path / "second").mkdir()
    monkeypatch.chdir(tmp_path / "second")
    remember_opinions(tmp_path / "first/results")
    ask("second", probabilities=False)
    assert len(endpoint.paid) == 30


KILLED = """
import json, sys
sys.path.insert(0, {scripts!r})
from forewarn.judges.asking import ask_endpoint
ask_endpoint(json.loads(sys.argv[1]), [f"prompt {{n}}" for n in range(200)])
"""


def test_a_killed_run_pays_for_nothing_twice_but_what_was_in_flight(tmp_path, monkeypatch):
    monkeypatch.setenv("FOREWARN_TEST_KEY", KEY)
    with chat_endpoint() as endpoint:
        endpoint.latency = 0.05
        settings = json.dumps(SETTINGS | {"base_url": endpoint.url})
        command = [sys.executable, "-c", KILLED.format(scripts=str(Path("scripts").absolute())), settings]
        run = subprocess.Popen(command, cwd=tmp_path)
        while len(endpoint.paid) < 40 and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        paid = len(endpoint.paid)
        assert 40 <= paid < 150
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        assert set(endpoint.paid) == {f"prompt {n}" for n in range(200)}
        twice = len(endpoint.paid) - 200
        assert twice <= 2 * SETTINGS["concurrency"], "at most what was in flight"
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        assert len(endpoint.paid) == 200 + twice


def test_no_key_is_in_what_is_kept(asked, tmp_path):
    _, ask = asked
    ask("first")
    for file in (tmp_path / "first").rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file


def test_a_reason_is_kept_where_there_is_no_score(asked):
    endpoint, ask = asked
    endpoint.faults = [400]
    _, path = ask("first", concurrency=1)
    rows = read_table(path).to_pylist()
    assert [row["outcome"] for row in rows] == ["unscored", *["scored"] * 4]
    assert "fault 400" in rows[0]["reason"]
    json.dumps(rows)
