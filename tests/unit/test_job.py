"""What surrounds every script: named arguments, a log, and errors without traceback."""

from __future__ import annotations

import contextvars
import dataclasses
import logging
import os
from pathlib import Path

import pytest

import forewarn.job
from forewarn.errors import StudyError
from forewarn.job import run
from forewarn.ledger.audit import as_text, audit
from forewarn.ledger.record import read_record, record_path
from forewarn.workspace import workspace
from jobs import Files, make_job


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.parquet", "b", "c"):
        Path(name).write_text(name)
    inputs = {"rows": "a.parquet", "files": ["b", "c"], "none": []}
    return make_job("judge.py", {"x": 1}, inputs, {"out": "out.json"}, threads=3)


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
        out.touch()

    run(main, job)
    assert seen["rows"] == Path("a.parquet")
    assert seen["files"] == [Path("b"), Path("c")]
    assert seen["none"] == "the default"
    assert seen["settings"] == {"x": 1}
    assert seen["threads"] == 3
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_main_need_not_ask_for_threads(job):
    run(lambda *, rows, files, out, settings: out.touch(), job)


def test_a_job_that_succeeds_records_its_outputs(job):
    run(writing("0"), job)
    record = read_record(record_path("out.json"))
    assert record.md5 == "cfcd208495d565ef66e7dff9f98764da"  # md5 of "0", which DVC would give
    making = record.making
    assert (making.rule, making.wildcards, making.params) == ("judge", {"model": "nano"}, {"x": 1})
    assert list(making.inputs) == ["a.parquet", "b", "c"]
    assert "scripts/forewarn/judges/scoring.py" in making.code
    assert not [path for path in making.code if "ledger" in path]
    assert {"python", "pyarrow"} <= set(making.environment)
    assert str(Path.cwd()) not in record_path("out.json").read_text()


def test_what_a_job_found_out_stands_in_its_record(job):
    def main(*, rows, files, out, settings):
        out.write_text("weights")
        return {"revision": "c0ffee"}

    run(main, job)
    record = read_record(record_path("out.json"))
    assert record is not None and record.making.found == {"revision": "c0ffee"}
    told = "\n".join(as_text(audit("out.json", {"out.json": record})))
    assert "found revision: c0ffee" in told


def writing(text):
    """A `main` that writes a text into its output."""

    def main(*, rows, files, out, settings):
        out.write_text(text)

    return main


def test_the_same_job_is_not_computed_twice(job, capsys):
    run(writing("once"), job)
    before = record_path("out.json").read_bytes()
    Path("out.json").unlink()

    def main(**_):
        raise AssertionError("computed again")

    run(main, job)
    assert Path("out.json").read_text() == "once"
    assert record_path("out.json").read_bytes() == before
    assert "taken from there" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["settings", "input", "output"])
def test_another_job_is_computed(job, change):
    run(writing("once"), job)
    if change == "settings":
        job.params.job["settings"] = {"x": 2}
    elif change == "input":
        Path("b").write_text("other")
    else:
        job.output = Files({"out": "another.json"})
    run(writing("anew"), job)
    assert Path(job.output[0]).read_text() == "anew"


def test_code_that_changes_while_a_run_is_on_is_refused(job, capsys):
    job.params.job["code"] = "of another day"
    with pytest.raises(SystemExit):
        run(lambda **_: None, job)
    assert "changed since the run was planned" in capsys.readouterr().err
    assert not record_path("out.json").exists()


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


def interrupted(job, found):
    """Run a job until it is interrupted; returns what it found of an earlier attempt, and leaves a step."""

    def main(*, rows, files, out, settings):
        with workspace("train") as folder:
            found.append(([path.name for path in folder.iterdir()], folder))
            (folder / "step").write_text("10")
            raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        run(main, job)
    return found[-1][0]


def test_an_interrupted_job_finds_its_workspace_again(job):
    found = []
    assert interrupted(job, found) == []
    assert interrupted(job, found) == ["step"]
    folder = found[-1][1]

    def main(*, rows, files, out, settings):
        with workspace("train") as again:
            assert again == folder
            assert (again / "step").read_text() == "10"
        out.touch()

    run(main, job)
    assert not folder.exists(), "a finished job leaves nothing behind"


def test_a_changed_job_starts_afresh(job, monkeypatch):
    found = []
    assert interrupted(job, found) == []
    job.params.job["settings"] = {"x": 2}
    assert interrupted(job, found) == []
    job.params.job["settings"] = {"x": 1}
    assert interrupted(job, found) == ["step"]
    Path("a.parquet").write_text("other content")
    assert interrupted(job, found) == []
    drafted = forewarn.job.draft
    monkeypatch.setattr(
        forewarn.job, "draft", lambda *given: dataclasses.replace(drafted(*given), code={"judge.py": "other"})
    )
    assert interrupted(job, found) == [], "what other code left half done is not gone on with"
    assert interrupted(job, found) == ["step"]


def test_outside_of_a_job_nothing_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    context = contextvars.Context()
    folders = []

    def attempt():
        with pytest.raises(KeyboardInterrupt), workspace("train") as folder:
            folders.append(folder)
            raise KeyboardInterrupt

    context.run(attempt)
    context.run(attempt)
    assert folders[0] != folders[1]
