"""Elasticity of two models compared through the real rules, beside the atlas of the first."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import SMOKE, Checkout
from snakemake.utils import update_config
from test_atlas import numbers, read
from test_chain import ORGANISM, STUDY, artifacts, check_table, results

from once import built_once

SWEEPS, BOTH = "tests/e2e/elasticity_sweeps.yaml", "tests/e2e/both.yaml"
FIGURE = "figures/elasticity_sweeps.svg"
MODELS = ["smoke_width24", STUDY]
COLUMNS = {
    "sweep": "string", "place": "int32", "model": "string", "measure": "string", "n": "int32",
    "changed": "bool", **numbers("change", "change_low", "change_high", "rows", "low", "high"),
    "prompts": "int32", "seeds": "int32",
}  # fmt: skip


@pytest.fixture(scope="module")
def compared(charted: Checkout, shared: Path) -> Checkout:
    """The checkout with the atlas, and a second model whose elasticity is compared. Leave it as it is."""

    def build(folder: Path) -> None:
        copy = charted.copied(folder)
        overlay = yaml.safe_load(copy.path(SMOKE).read_text(encoding="utf-8"))
        update_config(overlay, yaml.safe_load(copy.path(SWEEPS).read_text(encoding="utf-8")))
        copy.path(BOTH).write_text(yaml.safe_dump(overlay), encoding="utf-8")
        Checkout(folder, BOTH).run(f"results/{STUDY}/{FIGURE}", cores=2)

    return Checkout(built_once(shared / "a comparison", build), BOTH)


def test_a_comparison_leaves_what_is_documented_and_nothing_of_the_study_changes(charted, compared):
    new = {f"elasticity_sweeps{end}" for end in (".json", ".parquet")} | {FIGURE}
    assert set(artifacts(compared)) - set(artifacts(charted)) == new | {f"{name}.dvc" for name in new}
    before, after = (
        each.hashes(f"{STUDY}/elasticity/*", f"{STUDY}/steering/**/*") for each in (charted, compared)
    )
    assert before == after
    check_table(results(compared) / "elasticity_sweeps.parquet", COLUMNS)


def test_models_are_compared_at_each_start_by_each_measure(compared):
    table = pq.read_table(results(compared) / "elasticity_sweeps.parquet").to_pylist()
    places = {(row["sweep"], row["place"], row["model"], row["n"]) for row in table}
    assert places == {("size", place, model, n) for place, model in enumerate(MODELS) for n in (40, 120)}
    assert {row["measure"] for row in table} == {"em", "projection", "shift", "kl"}
    for row in table:
        assert (row["prompts"], row["seeds"]) == (8, 2)
        assert row["change"] is None or row["change_low"] <= row["change"] <= row["change_high"]
        assert row["changed"] or row["rows"] is None, "without a change there is nothing to return from"


def test_an_order_of_models_has_its_null_and_stands_beside_the_paper(compared):
    found = read(compared, "elasticity_sweeps.json")
    assert found["organism"] == ORGANISM and list(found["models"]) == MODELS
    narrow, wide = (found["models"][model]["parameters"]["other"] for model in MODELS)
    assert narrow < wide, "a sweep over size rises"
    sweep = found["sweeps"]["size"]
    assert sweep["models"] == MODELS and sweep["paper"]["reported"] and sweep["paper"]["differences"]
    for trend in sweep["trend"].values():
        assert trend["verdict"] == "not told apart", "two models are too few, and too little trained"
        assert {"over_models", "over_runs"} <= set(trend)
    resistance = found["resistance"]["loss"]
    assert [each["model"] for each in resistance["organisms"]] == MODELS
    assert resistance["over_organisms"]["least_p"] == 0.5


def test_the_figure_says_its_n(compared):
    assert re.search(r"n = [1-9]", (results(compared) / FIGURE).read_text(encoding="utf-8"))


def test_said_again_there_is_nothing_to_do(compared):
    said = compared.run("-n", f"results/{STUDY}/{FIGURE}", "smoke", "results/smoke/figures/elasticity.svg")
    assert "Nothing to be done" in said
