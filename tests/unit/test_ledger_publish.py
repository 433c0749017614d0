"""The study that travels with the repository, and its provenance as an RO-Crate."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from forewarn.errors import StudyError
from forewarn.ledger.cache import keep, object_path
from forewarn.ledger.export import export
from forewarn.ledger.publish import chosen, compare, publish
from forewarn.ledger.record import Record
from ledger_chain import ADAPTER, CONFIG, DATA, RATES, ROWS, chain, making, md5, with_making

STORE = Path(".dvc/store")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The records of a study whose contents are in the cache."""
    monkeypatch.chdir(tmp_path)
    records = list(chain().values())
    for record in records:
        Path("content").write_text(record.path)
        keep(Path("content"), record.md5)
    return records


def objects() -> set[str]:
    return {path.parent.name + path.name for path in STORE.rglob("*") if path.is_file()}


def test_what_is_published_can_be_pulled(kept):
    changed = publish(kept)
    assert len(changed.lacking) == 4
    assert objects() == {record.md5 for record in kept}
    assert object_path(md5(RATES), STORE).read_text() == RATES
    assert not compare(kept)


def test_published_again_nothing_changes(kept):
    publish(kept)
    before = {path: path.stat().st_mtime_ns for path in STORE.rglob("*")}
    assert not publish(kept)
    assert {path: path.stat().st_mtime_ns for path in STORE.rglob("*")} == before


def test_what_no_record_names_any_more_is_removed(kept):
    publish(kept)
    fewer = [record for record in kept if record.path != RATES]
    assert [path.name for path in publish(fewer).superfluous] == [md5(RATES)[2:]]
    assert objects() == {record.md5 for record in fewer}


def test_a_store_that_is_not_current_is_named(kept):
    publish(kept[:2])
    object_path(md5("old"), STORE).parent.mkdir(parents=True, exist_ok=True)
    object_path(md5("old"), STORE).write_text("old")
    difference = compare(kept)
    assert {record.path for record in difference.lacking} == {CONFIG, RATES}
    assert [path.name for path in difference.superfluous] == [md5("old")[2:]]


def test_a_study_too_large_for_git_is_refused_whole(kept):
    with pytest.raises(StudyError) as error:
        publish(kept, limit=40)
    assert ADAPTER in error.value.what
    assert not objects()


def test_what_the_cache_lacks_is_named_before_anything_is_copied(kept):
    object_path(md5(RATES)).unlink()
    with pytest.raises(StudyError, match=RATES):
        publish(kept)
    assert not objects()


def test_patterns_leave_out(kept):
    assert {record.path for record in chosen(kept, "results/m/", ["results/*/adapter*"])} == {DATA, RATES}
    assert chosen(kept, "results/other/", []) == []
    assert {record.path for record in chosen(kept, "results/m/", [], [DATA])} == {RATES}


def test_what_a_study_was_made_from_is_published_with_it(kept):
    """A judge is measured once for all studies, in a folder of its own."""
    alone = {record.path for record in kept if record.path == RATES}
    assert {record.path for record in chosen(kept, RATES, [])} > alone


def test_a_table_of_all_models_goes_with_a_study_and_brings_no_other(kept):
    table, other = "results/table.csv", "results/other/rates.json"
    records = [
        *kept,
        Record(other, md5(other), len(other), making("rates", [], [other])),
        Record(table, md5(table), len(table), making("table", [RATES, other], [table])),
    ]
    found = {record.path for record in chosen(records, "results/m/", [], also=["results/table.*"])}
    assert found == {DATA, ADAPTER, CONFIG, RATES, table}
    assert table not in {record.path for record in chosen(records, "results/m/", [])}
    named = ["results/table.*", "results/*/rates.json"]
    found = {record.path for record in chosen(records, "results/m/", ["results/other/*"], also=named)}
    assert {table, other} <= found, "what is named is not left out with the rest of its model"
    private = chosen(records, "results/m/", [], unread=["results/other/*"], also=named)
    assert not {table, other} & {record.path for record in private}


def crate(folder: Path) -> dict[str, dict]:
    from rocrate.rocrate import ROCrate

    ROCrate(folder)  # it can be read by the library again
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def test_a_crate_names_files_jobs_and_scripts(tmp_path):
    records = with_making(chain(), RATES, inputs={ADAPTER: "0" * 32, CONFIG: md5(CONFIG)})
    export(records, tmp_path / "crate", name="m")
    found = crate(tmp_path / "crate")
    train = found[f"#job/{ADAPTER}"]
    assert (train["@type"], train["name"]) == ("CreateAction", "train")
    assert {item["@id"] for item in train["result"]} == {f"#{ADAPTER}", f"#{CONFIG}"}
    assert (train["startTime"], train["endTime"]) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:01:40+00:00",
    )
    assert found[f"#{ADAPTER}"]["identifier"] == f"md5:{md5(ADAPTER)}"
    assert found[f"#{ROWS}"]["identifier"] == f"md5:{md5(ROWS)}"
    # what the rates were made from is not today's adapter
    assert {"@id": f"#{ADAPTER}@{'0' * 32}"} in found[f"#job/{RATES}"]["object"]
    links = [
        link["@id"]
        for entity in found.values()
        for value in entity.values()
        for link in (value if isinstance(value, list) else [value])
        if isinstance(link, dict) and "@id" in link
    ]
    assert {link for link in links if not link.startswith("http")} <= set(found)


def test_a_crate_is_the_same_each_time_and_overwrites_nothing(tmp_path):
    for name in ("one", "two"):
        export(chain(), tmp_path / name, name="m")
    one, two = ((tmp_path / name / "ro-crate-metadata.json").read_text() for name in ("one", "two"))
    assert one == two
    with pytest.raises(StudyError, match="not empty"):
        export(chain(), tmp_path / "one", name="m")
    with pytest.raises(StudyError, match="no records"):
        export({}, tmp_path / "three", name="m")


def test_what_was_accepted_is_in_the_crate(tmp_path):
    entry = {"who": "Ada", "when": "now", "why": "only moved", "code": {}}
    records = with_making(chain(), RATES, accepted=[entry])
    export(records, tmp_path / "crate", name="m")
    assert "accepted by Ada: only moved" in crate(tmp_path / "crate")[f"#job/{RATES}"]["description"]
    assert dataclasses.asdict(records[RATES])["making"]["accepted"] == [entry]
