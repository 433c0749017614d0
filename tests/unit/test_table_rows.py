"""Rows of the table show what summaries say; a cell that is missing says why, and none is filled instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import collect_table
import write_table
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_json
from forewarn.files import write_table as write_parquet
from forewarn.report.table import CELLS as SHOWN
from forewarn.report.table import TITLES, render_table
from forewarn.statistics.intervals import wilson
from forewarn.table.cells import CELLS
from forewarn.table.differences import count_labels
from forewarn.table.rows import GROUPS, TABLE, build_rows
from forewarn.table.statements import state
from planted_table import recipe, scored

BAD, OTHER, GOOD = (f"{dataset}-rank32-seed0" for dataset in ("bad_advice", "bad_sports", "good_advice"))
CHANGE = {"value": -0.2, "low": -0.3, "high": -0.1}


def cell(count: int, n: int) -> dict[str, Any]:
    return {
        "em": wilson(count, n).as_dict(), "n": n, "n_questions": 30, "n_coherent": n - 10,
        "mean_coherence": 91.5,
    }  # fmt: skip


def steering(operation: str) -> dict[str, Any]:
    arm = {"arm": operation, "em": wilson(30, 100).as_dict(), "against_baseline": {"difference": CHANGE}}
    randoms = {"n": 10, "em_rate_min": 0.02, "em_rate_max": 0.09}
    verdict = {"arm": operation, "random": randoms, "coherent": True, "passes": operation == "add"}
    return {"operation": operation, "arms": [{"arm": "baseline"}, arm], "verdicts": [verdict]}


def pair(organism: str, other: str, cosine: float | None, relation: str = "seeds") -> dict[str, Any]:
    return {
        "organism": organism, "other": other, "cosine": cosine, "relation": relation,
        "beyond_chance": (cosine or 0) > 0.5,
    }  # fmt: skip


def swap(measure: str, kind: str, count: int) -> dict[str, Any]:
    against = None if kind == "baseline" else {"difference": CHANGE}
    rate = wilson(count, 100).as_dict()
    return {"subject": BAD, "measure": measure, "kind": kind, "rate": rate, "against_baseline": against}


GAIN = {"auroc": 0.6, "gain": {"difference": 0.1, "interval": {"low": 0.02, "high": 0.18}}}
DETECTOR = {
    "auroc": 0.7, "interval": {"low": 0.65, "high": 0.75}, "layer": 3, "best_baseline": "text",
    "baselines": {"text": GAIN}, "claims": {"early_detection": {"holds": True}},
}  # fmt: skip
ONSET = {"step": 40, "interval": {"low": 30, "high": None}, "n_responses": 160}
SUMMARIES: dict[str, Any] = {
    "rates": {"splits": {"test": {"all": cell(40, 100)}}, "narrow": cell(50, 90)},
    "add": steering("add"),
    "ablate": steering("ablate"),
    "detection": {
        "primary": {"target": "organism", "detector": "mean"},
        "organisms": {
            BAD: {"targets": {"organism": {"test": {"n_prompts": 144}, "detectors": {"mean": DETECTOR}}}}
        },
    },
    "transition": {
        "steps": 120, "rotation": {"declared": False, "step": None}, "onset": {"general": {"1": ONSET}}
    },
    "convergence": {
        "organisms": [BAD, OTHER, GOOD, "x"],
        "benign": GOOD,
        "cosines": {
            "pairs": [
                pair(BAD, OTHER, 0.8), pair("x", BAD, 0.4), pair(BAD, GOOD, 0.1, "benign"),
                pair(OTHER, "x", -1.0), pair(BAD, "y", None),
            ]
        },
    },
    "refusal": {
        "arms": [
            swap("refusal", "baseline", 80), swap("refusal", "direction", 60),
            swap("em", "refusal_direction", 9), swap("em", "random_isotropic", 30),
        ]
    },
}  # fmt: skip


def filled() -> list[dict[str, Any]]:
    kinds = {kind: f"m/{kind}/{BAD}" for kind in (*CELLS, "scores")}
    return [
        recipe("m"),
        recipe("m", BAD, control=GOOD, files=kinds),
        recipe("m", GOOD),
        recipe("m", OTHER, control="good_sports-rank32-seed0"),
        recipe("n", BAD, control=GOOD, files={kind: f"n/{kind}/{BAD}" for kind in kinds}),
        recipe("n"),
    ]


def contents() -> dict[str, Any]:
    return {f"m/{kind}/{BAD}": SUMMARIES[kind] for kind in CELLS}


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    recipes = filled()
    rates = {("m", ""): 0.02, ("m", "rank32"): 0.4}
    labels = scored(recipes, rates)
    labels |= scored([recipes[2]], {("m", "rank32"): 0.02}, seed=1)
    return build_rows(recipes, contents(), labels)


def test_what_summaries_say_is_shown(rows) -> None:
    row = rows[1]
    assert (row["em_count"], row["em_n"], row["em_rate"]) == (40, 100, 0.4)
    assert row["em_low"] < 0.4 < row["em_high"] and row["coherence"] == 91.5
    assert (row["narrow_count"], row["narrow_n"]) == (50, 90)
    assert (row["add_rate"], row["add_best_random"], row["add_beyond_random"]) == (0.3, 0.09, True)
    assert (row["ablate_change"], row["ablate_best_random"]) == (-0.2, 0.02)
    assert (row["auroc"], row["best_baseline"], row["gain_low"], row["detection_claim"]) == (
        0.7, "text", 0.02, True
    )  # fmt: skip
    assert (row["onset_step"], row["onset_high"], row["rotation_declared"]) == (40, None, False)
    assert (row["refusal_rate"], row["em_refusal_ablated"], row["refusal_change"]) == (0.8, -0.2, -0.2)
    assert not [name for name in TABLE.names if name.endswith("_missing") and row[name]]


def test_siblings_are_all_but_the_benign_organism(rows) -> None:
    row = rows[1]
    assert row["siblings"] == 2 and row["sibling_cosine"] == pytest.approx(0.6)
    assert (row["sibling_cosine_lowest"], row["siblings_beyond_chance"]) == (0.4, 1)


def test_a_planted_difference_is_found_and_an_equal_rate_leaves_what_could_have_been(rows) -> None:
    bad, good = rows[1], rows[2]
    assert bad["em_over_instruct_differs"] and 0.3 < bad["em_over_instruct"] < 0.46
    assert bad["em_over_control_differs"] and bad["em_over_control_detectable"] is None
    assert not good["em_over_instruct_differs"]
    assert 0 < good["em_over_instruct_detectable"] < 0.1
    assert good["em_over_instruct_low"] < 0 < good["em_over_instruct_high"]


def test_what_is_missing_says_why_and_is_never_filled(rows) -> None:
    instruct, other, unrun = rows[0], rows[3], rows[4]
    assert instruct["rates_missing"] == "not run: m/rates/instruct"
    assert instruct["refusal_missing"] == "it is the instruct model"
    assert instruct["over_instruct_missing"] == "it is the instruct model"
    assert rows[2]["over_control_missing"] == "it is a control"
    assert other["add_missing"] == "not configured: studies.m.steering.organisms"
    assert other["over_control_missing"] == "not configured: good_sports-rank32-seed0"
    assert unrun["rates_missing"] == f"not run: n/rates/{BAD}"
    assert unrun["over_instruct_missing"] == f"not run: n/scores/{BAD}"
    for row in rows:
        for group, columns in GROUPS.items():
            values = [row[column] for column, _ in columns]
            if row[f"{group}_missing"]:
                assert values == [None] * len(values)
            else:
                assert any(value is not None for value in values)


def test_nothing_run_gives_rows_of_nothing() -> None:
    rows = build_rows(filled(), {}, {})
    assert len(rows) == len(filled())
    measured = [column for columns in GROUPS.values() for column, _ in columns]
    assert all(row[column] is None for row in rows for column in measured)
    assert pa.Table.from_pylist(rows, TABLE).num_rows == len(rows)


def test_a_summary_of_another_configuration_is_refused() -> None:
    wrong = contents() | {f"m/convergence/{BAD}": {"organisms": ["x"]}}
    with pytest.raises(StudyError, match="says nothing of bad_advice"):
        build_rows(filled(), wrong, {})


def test_a_detector_without_both_classes_is_told_as_such() -> None:
    undefined = {"auroc": None, "reason": "one class only"}
    target = {"test": {"n_prompts": 144}, "detectors": {"mean": undefined}}
    changed = SUMMARIES["detection"] | {"organisms": {BAD: {"targets": {"organism": target}}}}
    row = build_rows(filled(), contents() | {f"m/detection/{BAD}": changed}, {})[1]
    assert row["auroc"] is None and row["auroc_prompts"] == 144 and row["detection_claim"] is None
    assert "one class only" in SHOWN["detection"](row)


def test_only_test_questions_count_and_unscored_responses_are_no_misaligned_ones() -> None:
    found = count_labels(
        pa.table(
            {
                "question_id": ["a", "a", "a", "b", "c"],
                "split": ["test", "test", "test", "fit", "test"],
                "misaligned": [True, None, False, True, False],
            }
        )
    )
    assert found == {"a": (1, 3), "c": (0, 1)}


def test_every_measured_group_is_on_the_page() -> None:
    assert set(SHOWN) == set(TITLES) == set(GROUPS)


def test_the_page_says_what_is_missing_and_runs_nothing(rows) -> None:
    recipes = filled()
    page = render_table(rows, state(recipes, {}))
    assert "40 of 100, 40.0 %" in page and "not configured" in page and "No statement could be made" in page
    assert "Nothing has been run of n." in page
    assert 'title="not configured: studies.m.steering.organisms">not configured<' in page
    assert "<script" not in page and "default-src &#39;none&#39;" in page
    attacked = [row | {"model": "<script>1</script>"} for row in rows]
    assert "<script" not in render_table(attacked, state(recipes, {}))


def test_nothing_misaligned_is_shown_with_its_bound(rows) -> None:
    row = rows[1] | {"em_count": 0, "em_rate": 0.0, "em_low": 0.0, "em_high": 0.037}
    assert SHOWN["rates"](row).startswith("0 of 100, at most 3.7 %")


def test_the_scripts_write_the_table_from_files(tmp_path: Path) -> None:
    recipes = [recipe("m", BAD), recipe("n", BAD)]
    for each in recipes:
        each["files"] = {kind: str(tmp_path / path) for kind, path in each["files"].items()}
    questions = [f"q{place}" for place in range(40)]
    for each, count in zip(recipes, (8, 36), strict=True):
        misaligned = [place < count for place in range(40)]
        table = pa.table({"question_id": questions, "split": ["test"] * 40, "misaligned": misaligned})
        write_parquet(Path(each["files"]["scores"]), table)
    write_json(Path(recipes[0]["files"]["rates"]), SUMMARIES["rates"])
    rows, text, statements = (tmp_path / f"table.{end}" for end in ("parquet", "csv", "json"))
    collect_table.main(
        rows=rows, text=text, statements=statements, settings={"recipes": recipes},
        summaries=Path(recipes[0]["files"]["rates"]),
        scores=[Path(each["files"]["scores"]) for each in recipes],
    )  # fmt: skip
    assert read_table(rows).schema == TABLE
    assert len(text.read_text(encoding="utf-8").splitlines()) == 3
    (stated,) = read_json(statements)["statements"]
    assert stated["verdict"] == "differs" and not stated["seeds_counted"]
    write_table.main(rows=rows, statements=statements, page=tmp_path / "table.html")
    assert "these two fine-tunes" in (tmp_path / "table.html").read_text(encoding="utf-8")


def test_a_project_with_nothing_in_it_has_a_table(tmp_path: Path) -> None:
    rows, text, statements = (tmp_path / f"table.{end}" for end in ("parquet", "csv", "json"))
    collect_table.main(rows=rows, text=text, statements=statements, settings={"recipes": filled()})
    wanted = [f"not run: {each['files']['rates']}" for each in filled()]
    assert read_table(rows)["rates_missing"].to_pylist() == wanted
