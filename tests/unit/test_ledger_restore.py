"""Before a run: what matches its record gets metadata and times in order; what does not stops the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from forewarn.errors import StudyError
from forewarn.ledger import restore as ledger_restore
from forewarn.ledger.index import Index
from forewarn.ledger.record import Record, record_path, write_record
from forewarn.ledger.restore import restore
from forewarn.ledger.snakemake_metadata import metadata_path
from ledger_chain import ADAPTER, CONFIG, DATA, RATES, ROWS, chain, md5, with_making

ARTIFACTS = [DATA, ADAPTER, CONFIG, RATES]


def put(records: dict[str, Record]) -> None:
    """Write records, and every file with its own path as content."""
    for path in (ROWS, *records):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
    for record in records.values():
        write_record(record)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study as DVC and git leave it: newest first."""
    monkeypatch.chdir(tmp_path)
    put(chain())
    for age, path in enumerate([ROWS, *ARTIFACTS]):
        os.utime(path, ns=(0, (100 - age) * 10**9))
    return tmp_path


def parse(**changes):
    options = {"is_output": lambda path: path in ARTIFACTS, "benchmark_of": lambda making: None} | changes
    with Index() as index:
        return restore(Path("results"), index=index, **options)


def params(path: str) -> list[str]:
    return json.loads(metadata_path(path).read_text())["params"]


def test_all_gets_metadata_and_nothing_is_newer_than_what_is_made_of_it(study):
    parse()
    assert all(metadata_path(path).exists() for path in ARTIFACTS)
    assert {Path(path).stat().st_mtime_ns for path in [ROWS, *ARTIFACTS]} == {100 * 10**9}


def test_a_second_time_nothing_is_written(study):
    parse()
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*") if ".forewarn" not in path.parts}
    parse()
    assert before == {p: p.stat().st_mtime_ns for p in study.rglob("*") if ".forewarn" not in p.parts}


def test_what_was_not_pulled_gets_metadata_too(study):
    Path(ADAPTER).unlink()
    parse()
    assert metadata_path(ADAPTER).exists()


def test_other_contents_of_an_input_are_named_to_snakemake(study):
    parse()
    assert len(params(DATA)) == 1
    Path(ROWS).write_text("other rows")
    parse()
    assert any(ROWS in text for text in params(DATA))
    assert len(params(RATES)) == 1  # its own inputs are what they were
    Path(ROWS).write_text(ROWS)
    parse()
    assert len(params(DATA)) == 1


def test_an_older_time_does_not_hide_other_contents(study):
    Path(ROWS).write_text("other rows")
    os.utime(ROWS, ns=(0, 0))
    parse()
    assert len(params(DATA)) == 2


def test_the_benchmark_of_a_job_counts_as_its_output(study):
    Path("benchmark.tsv").write_text("s")
    os.utime("benchmark.tsv", ns=(0, 0))
    parse(benchmark_of=lambda making: "benchmark.tsv" if making.rule == "train" else None)
    assert Path("benchmark.tsv").stat().st_mtime_ns == 100 * 10**9


def test_what_snakemake_did_not_finish_is_left_to_it(study):
    Path(RATES).write_text("half")
    marker = metadata_path(RATES, "incomplete")
    marker.parent.mkdir(parents=True)
    marker.write_text("{}")
    parse()
    assert not metadata_path(RATES).exists()


@pytest.mark.parametrize("content", ["tampered, longer", RATES[::-1]])
def test_another_content_stops_the_run(study, content):
    Path(RATES).write_text(content)
    with pytest.raises(StudyError, match=f"{RATES} is not what its record says"):
        parse()
    assert Path(RATES).read_text() == content


def test_an_output_without_record_stops_the_run_and_other_files_do_not(study):
    Path("results/m/notes.txt").write_text("mine")
    parse()
    record_path(RATES).unlink()
    with pytest.raises(StudyError, match="has no record"):
        parse()


def test_a_job_that_ends_while_the_folder_is_read_is_no_tampering(study, monkeypatch):
    seen = ledger_restore.look

    def look_before_the_job_ends(results, index):
        found = seen(results, index)
        Path(RATES).write_text("new")
        made = with_making(chain(), RATES, params={"seed": 2})[RATES]
        write_record(Record(RATES, md5("new"), 3, made.making))
        return found

    monkeypatch.setattr(ledger_restore, "look", look_before_the_job_ends)
    assert parse().records[RATES].md5 == md5("new")
