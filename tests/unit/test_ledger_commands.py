"""What audit, verify, plan and accept say of a small study on record."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forewarn.errors import StudyError
from forewarn.ledger.accept import accept
from forewarn.ledger.audit import as_text, audit
from forewarn.ledger.differences import ABSENT, changed_values
from forewarn.ledger.plan import plan
from forewarn.ledger.record import Record, read_record, record_path, write_record
from forewarn.ledger.revision import records_at
from forewarn.ledger.times import Time, as_lines, times
from forewarn.ledger.verify import has_failed, verify
from ledger_chain import ADAPTER, CONFIG, DATA, RATES, ROWS, chain, making, md5, today, with_making

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=6,
)  # fmt: skip
MAPPINGS = st.dictionaries(st.text("xyz", min_size=1, max_size=1), JSON, max_size=3)


def statuses(records: dict[str, Record], **changes: Any) -> dict[str, str]:
    given = {
        "files": [],
        "present": today(chain()),
        "md5_of": md5,
        "environment_of": lambda record: (record.making.environment, record.making.device),
    } | changes
    return {finding.path: finding.status for finding in verify(records, **given)}


def why(records: dict[str, Record], path: str, **changes: Any) -> list[str]:
    environment = {"environment_of": lambda record: (record.making.environment, record.making.device)}
    given = {"files": [], "present": today(chain()), "md5_of": md5} | environment | changes
    return next(finding.why for finding in verify(records, **given) if finding.path == path)


# --- differences ------------------------------------------------------------------------------------------


@given(MAPPINGS, MAPPINGS)
def test_the_named_values_are_all_that_differs(old, new):
    changed = changed_values(old, new)
    assert (changed == {}) == (repr(sorted_deeply(old)) == repr(sorted_deeply(new)))
    for before, after in changed.values():
        assert before != after or type(before) is not type(after)


@given(MAPPINGS, MAPPINGS)
def test_the_other_way_round_old_and_new_change_places(old, new):
    assert changed_values(new, old) == {name: (b, a) for name, (a, b) in changed_values(old, new).items()}


def test_values_are_named_by_their_place():
    old, new = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "e": None}
    assert changed_values(old, new) == {"a.c": (2, 3), "d": ([1], ABSENT), "e": (ABSENT, None)}


def sorted_deeply(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_deeply(value[key]) for key in sorted(value)}
    return value


# --- audit ------------------------------------------------------------------------------------------------


def test_audit_lists_all_jobs_behind_a_target_once():
    found = audit(RATES, chain())
    assert [job["rule"] for job in found["jobs"]] == ["data", "train", "rates"]
    assert found["files"] == {ROWS: md5(ROWS)}
    assert found["seconds"] == 105.0
    assert found["jobs"][1]["md5"] == {ADAPTER: md5(ADAPTER), CONFIG: md5(CONFIG)}
    assert audit(DATA, chain())["seconds"] == 2.5


def test_audit_says_where_the_chain_is_broken():
    records = with_making(chain(), RATES, inputs={ADAPTER: "another", CONFIG: md5(CONFIG)})
    found = audit(RATES, records)
    assert found["jobs"][-1]["broken"] == [ADAPTER]
    assert any(f"BROKEN: {ADAPTER}" in line for line in as_text(found))


def test_audit_as_text_tells_everything_once():
    text = "\n".join(as_text(audit(RATES, chain())))
    assert text.count("train, seed 1") == 1
    assert text.count("sizes.rows: 4") == 3
    assert "(told above)" in text  # the adapter's config comes from the same job
    assert "a GPU" in text
    assert text.count("python 3.11.7") == 1  # what all share stands at the top
    assert f"{ROWS}  md5 {md5(ROWS)[:8]}, a file of yours" in text


def test_audit_of_what_has_no_record_names_what_is_called_alike():
    with pytest.raises(StudyError) as error:
        audit("results/m/rate.json", chain())
    assert RATES in error.value.way_out


def test_audit_answers_the_same_for_an_older_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True)

    git("init", "--quiet")
    for record in chain().values():
        write_record(record)
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    before = audit(RATES, records_at())
    changed = with_making(chain(), RATES, params={"seed": 2})
    write_record(changed[RATES])
    git("commit", "--quiet", "--all", "--message", "two")
    assert audit(RATES, records_at("HEAD~1")) == before
    assert audit(RATES, records_at("HEAD")) == audit(RATES, changed) == audit(RATES, records_at())
    with pytest.raises(StudyError, match="no revision 'yesterday'"):
        records_at("yesterday")


# --- verify -----------------------------------------------------------------------------------------------


def test_a_job_counts_with_the_first_target_that_needs_it():
    records = chain()
    assert [(time.jobs, time.seconds) for time in times([ADAPTER, CONFIG, RATES], [DATA], records)] == [
        (1, 100.0), (0, 0.0), (1, 2.5),
    ]  # fmt: skip
    assert times([RATES], [], records) == [Time(RATES, 3, 105.0)]
    assert as_lines(times([ADAPTER], [], records)) == [
        f"  102.5 s     2 jobs  {ADAPTER}", "  102.5 s     2 jobs  together",
    ]  # fmt: skip


def test_times_of_what_has_no_record_are_not_made_up():
    with pytest.raises(StudyError, match="has no record"):
        times(["results/m/other.json"], [], chain())


def test_a_study_that_is_as_it_was_made_matches():
    assert set(statuses(chain()).values()) == {"MATCH"}


def test_a_changed_parameter_is_stale_and_so_is_all_below():
    records = with_making(chain(), ADAPTER, params={"seed": 1, "sizes": {"rows": 5, "width": 8}})
    assert statuses(records) == {DATA: "MATCH", ADAPTER: "STALE", CONFIG: "STALE", RATES: "STALE"}
    assert why(records, ADAPTER) == ["sizes.rows: 5 -> 4"]
    assert why(records, RATES) == [f"input {ADAPTER} is stale", f"input {CONFIG} is stale"]


def test_a_changed_a_new_and_a_lost_module_are_named():
    code = {"scripts/rates.py": "old", "scripts/gone.py": "x"}
    assert why(with_making(chain(), RATES, code=code), RATES) == [
        "module scripts/gone.py is no longer imported",
        "module scripts/lib.py is new",
        "module scripts/rates.py changed",
    ]


def test_a_changed_file_of_the_user_is_stale():
    found = statuses(chain(), md5_of=lambda path: "other" if path == ROWS else md5(path))
    assert set(found.values()) == {"STALE"}


def test_another_content_is_tampered():
    found = statuses(chain(), md5_of=lambda path: "other" if path == DATA else md5(path))
    assert found[DATA] == "TAMPERED"
    assert found[RATES] == "MATCH"


def test_another_environment_is_drift():
    def here(record: Record) -> tuple[dict[str, str], str]:
        return {"python": "3.13.0", "pyarrow": "26.0.1"}, "cpu"

    assert set(statuses(chain(), environment_of=here).values()) == {"DRIFT"}
    assert why(chain(), ADAPTER, environment_of=here) == ["python: 3.11.7 -> 3.13.0", "device: a GPU -> cpu"]


def test_missing_and_unknown():
    found = statuses(
        chain(),
        md5_of=lambda path: None if path == ADAPTER else md5(path),
        files=["results/m/new.json", "results/m/notes.txt"],
        present=today(chain()) | {"results/m/new.json": today(chain())[RATES], "results/m/notes.txt": None},
    )
    assert found[ADAPTER] == "MISSING"
    assert found["results/m/new.json"] == "UNKNOWN"
    assert "results/m/notes.txt" not in found


def test_what_fails_a_check():
    def failed(status: str, strict: bool) -> bool:
        from forewarn.ledger.verify import Finding

        return has_failed([Finding("a", "MATCH"), Finding("b", status)], strict=strict)  # type: ignore[arg-type]

    assert [failed(status, False) for status in ("STALE", "TAMPERED", "UNKNOWN")] == [True] * 3
    assert [failed(status, False) for status in ("MATCH", "DRIFT", "MISSING")] == [False] * 3
    assert [failed(status, True) for status in ("MATCH", "DRIFT", "MISSING")] == [False, True, True]


# --- plan -------------------------------------------------------------------------------------------------


def steps(pending: set[str], records: dict[str, Record], **changes: Any) -> list[Any]:
    planned = {path: path in pending for path in chain()}
    given = {"present": today(chain()), "md5_of": md5, "in_memo": lambda making: False} | changes
    return plan(planned, records=records, **given)


def test_a_plan_names_what_changed_and_what_follows():
    records = with_making(chain(), ADAPTER, params={"seed": 3, "sizes": {"rows": 4, "width": 8}})
    train, rates = steps({RATES, ADAPTER, CONFIG}, records)
    assert (train.rule, train.outputs, train.why) == ("train", [ADAPTER, CONFIG], ["seed: 3 -> 1"])
    assert rates.why == [f"input {ADAPTER} is made anew", f"input {CONFIG} is made anew"]
    assert (train.seconds, rates.seconds) == (100.0, 2.5)


def test_a_plan_says_what_never_ran_and_what_is_gone():
    records = {path: record for path, record in chain().items() if path != RATES}
    assert [step.why for step in steps({RATES}, records)] == [["it never ran"]]
    gone = steps({RATES}, chain(), md5_of=lambda path: None if path == RATES else md5(path))
    assert gone[0].why == [f"{RATES} is not here"]


def test_what_the_memo_holds_is_asked_with_what_is_true_today():
    asked = []
    records = with_making(chain(), RATES, params={"seed": 2}, inputs={ADAPTER: "x", CONFIG: md5(CONFIG)})
    step = steps({RATES}, records, in_memo=lambda making: asked.append(making) or True)[0]
    assert step.from_memo
    assert asked[0].params == chain()[RATES].making.params
    assert asked[0].inputs == {ADAPTER: md5(ADAPTER), CONFIG: md5(CONFIG)}


# --- accept -----------------------------------------------------------------------------------------------


def accepted(records: dict[str, Record], path: str, contents: dict[str, str] | None = None) -> list[Record]:
    def content_of(path: str) -> tuple[str, int]:
        content = (contents or {}).get(path, path)
        return md5(content), len(content)

    return accept(path, records, today(chain()), content_of, who="Ada", when="now", why="only moved")


def test_accepting_changed_code_says_so_for_ever():
    records = with_making(chain(), ADAPTER, code={"scripts/train.py": "old", "scripts/lib.py": md5("lib")})
    new = accepted(records, ADAPTER)
    assert [record.path for record in new] == [ADAPTER, CONFIG]
    entry = {"who": "Ada", "when": "now", "why": "only moved", "code": {"scripts/train.py": "old"}}
    assert new[0].making.accepted == [entry]
    assert new[0].making.code == chain()[ADAPTER].making.code
    after = records | {record.path: record for record in new}
    assert set(statuses(after).values()) == {"MATCH"}
    assert any("ACCEPTED by Ada on now: only moved" in line for line in as_text(audit(RATES, after)))


def test_accepting_changed_content():
    new = accepted(chain(), RATES, {RATES: "by hand"})[0]
    assert (new.md5, new.size) == (md5("by hand"), 7)
    assert new.making.accepted[0]["content"] == {RATES: md5(RATES)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing to accept"),
        ({"params": {"seed": 9, "sizes": {"rows": 4, "width": 8}}}, "seed: 9 -> 1"),
        ({"inputs": {ADAPTER: "other", CONFIG: md5(CONFIG)}}, "other inputs"),
    ],
)
def test_what_cannot_be_accepted(changes, message):
    with pytest.raises(StudyError) as error:
        accepted(with_making(chain(), RATES, **changes), RATES)
    assert message in error.value.what


# --- records ----------------------------------------------------------------------------------------------


@given(params=MAPPINGS)
def test_a_record_is_read_as_it_was_written(tmp_path_factory, params):
    path = str(tmp_path_factory.mktemp("records") / "a.json")
    record = Record(path, md5("a"), 1, making("rates", [DATA], [path], params=params))
    assert write_record(record)
    assert read_record(record_path(path)) == record


def test_a_record_that_says_the_same_is_left_alone(tmp_path):
    record = dataclasses.replace(chain()[RATES], path=str(tmp_path / "rates.json"))
    assert write_record(record)
    later = dataclasses.replace(record.making, start="2027-01-01T00:00:00+00:00", seconds=9.0, commit="f")
    assert not write_record(dataclasses.replace(record, making=later))
    assert read_record(record_path(record.path)).making.seconds == 2.5
    assert write_record(dataclasses.replace(record, md5=md5("other")))
    dirty = dataclasses.replace(record, making=dataclasses.replace(record.making, dirty=True))
    assert write_record(dirty)
    assert write_record(record), "what is committed takes the place of what was not"
    assert not write_record(dirty)


@pytest.mark.parametrize("text", ["", "a", "outs: []", "outs: [\n", "meta: {ledger: 1}", "- 1"])
def test_a_damaged_record_is_named(tmp_path, text):
    path = Path(tmp_path) / "a.dvc"
    path.write_text(text)
    with pytest.raises(StudyError, match=r"a\.dvc is not a record"):
        read_record(path)


def test_a_record_of_a_later_format_is_refused_and_one_of_dvcs_own_is_left_to_it(tmp_path):
    later, own = tmp_path / "later.dvc", tmp_path / "own.dvc"
    out = "outs:\n- {md5: a, size: 1, hash: md5, path: later}\n"
    later.write_text(out + "meta: {ledger: 2}\n")
    own.write_text(out)
    with pytest.raises(StudyError, match="format 2"):
        read_record(later)
    assert read_record(own) is None
