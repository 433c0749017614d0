"""What surrounds every script: named arguments, a log, and errors without traceback."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from forewarn.errors import StudyError
from forewarn.job import run
from forewarn.workspace import workspace


@pytest.fixture
def job(tmp_path):
    return SimpleNamespace(
        input={"rows": "a.parquet", "files": ["b", "c"], "none": []},
        output={"out": str(tmp_path / "out.json")},
        params=SimpleNamespace(settings={"x": 1}),
        log=[str(tmp_path / "logs" / "a.log")],
        threads=3,
    )


@pytest.fixture(autouse=True)
def _quiet_after():
    before = dict(os.environ)
    yield
    logging.captureWarnings(False)
    logging.basicConfig(force=True)
    os.environ.clear()
    os.environ.update(before)


def test_main_gets_everything_by_name(job):
    seen = {}

    def main(*, rows, files, none="the default", out, settings, threads):
        seen.update(locals())

    run(main, job)
    assert seen["rows"] == Path("a.parquet")
    assert seen["files"] == [Path("b"), Path("c")]
    assert seen["none"] == "the default"
    assert seen["settings"] == {"x": 1}
    assert seen["threads"] == 3
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_main_need_not_ask_for_threads(job):
    run(lambda *, rows, files, out, settings: None, job)


def test_a_users_error_is_logged_without_traceback(job, capsys):
    def main(**_):
        raise StudyError("rows.jsonl, line 3: no messages", "give each row a list of messages")

    with pytest.raises(SystemExit) as stop:
        run(main, job)
    assert stop.value.code == 1
    for text in (Path(job.log[0]).read_text(), capsys.readouterr().err):
        assert "rows.jsonl, line 3: no messages" in text
        assert "Way out: give each row" in text
        assert "Traceback" not in text


def test_ctrl_c_ends_a_job_without_traceback(job, capsys):
    def main(**_):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        run(main, job)
    assert stop.value.code == 130
    for text in (Path(job.log[0]).read_text(), capsys.readouterr().err):
        assert "interrupted" in text
        assert "Traceback" not in text


def test_a_bug_keeps_its_traceback(job, capsys):
    def main(**_):
        raise ZeroDivisionError

    with pytest.raises(SystemExit) as stop:
        run(main, job)
    assert stop.value.code == 1
    for text in (Path(job.log[0]).read_text(), capsys.readouterr().err):
        assert "Traceback" in text
        assert "ZeroDivisionError" in text


def test_an_interrupted_job_finds_its_workspace_again(tmp_path):
    source = tmp_path / "input"
    source.write_text("content")
    with (
        pytest.raises(KeyboardInterrupt),
        workspace("train", {"a": 1}, [source], tmp_path / "work") as folder,
    ):
        (folder / "step").write_text("10")
        raise KeyboardInterrupt
    with workspace("train", {"a": 1}, [source], tmp_path / "work") as folder:
        assert (folder / "step").read_text() == "10"
    assert not folder.exists(), "a finished job leaves nothing behind"


def test_a_changed_job_starts_afresh(tmp_path):
    source = tmp_path / "input"
    source.write_text("content")

    def folder_of(settings):
        with workspace("train", settings, [source], tmp_path / "work") as folder:
            return folder

    first = folder_of({"a": 1})
    assert folder_of({"a": 1}) == first
    assert folder_of({"a": 2}) != first
    source.write_text("other content")
    assert folder_of({"a": 1}) != first
