"""The atlas through the real rules: every artifact as documented, every figure with its n and its null."""

from __future__ import annotations

import json
from typing import Any

import pytest
from checkout import Checkout
from test_chain import ARM, CONTROL, IDENTITY, OPINION, ORGANISM, RESPONSE, check_table, results
from test_report_in_browser import check_report

SINGLE = "bad_medical-smoke_rank1-seed0"
ADAPTERS = [f"layer{layer}.{module}" for layer in (0, 1) for module in ("down_proj", "o_proj")]


def numbers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "double")


ANSWERS = ARM | {"question_id": "string", "sample": "int32", "response": "string", "finish_reason": "string"}
PROBED = {
    "problem": "string", "adapter": "string",
    **numbers("coefficient", "coefficient_low", "coefficient_high", "selected_share", "null_low", "null_high",
              "p_value", "p_adjusted"),
    "serves": "bool",
}  # fmt: skip
COLUMNS = {
    "phase_transition/*_behaviour.parquet": {
        "measure": "string", "scale": "double", "step": "int32", "n": "int32", "n_questions": "int32",
        "misaligned": "int32", **numbers("rate", "low", "high", "mean_coherence"),
        "benign_n": "int32", "benign_misaligned": "int32",
        **numbers("benign_rate", "benign_low", "benign_high", "benign_mean_coherence", "design_effect"),
        "clears": "bool",
    },
    "phase_transition/*-seed0.parquet": {
        "module": "string", "step": "int32", "quantity": "string", "lag": "int32", "name": "string",
        "value": "double",
    },
    "convergence/*/*.parquet": {
        "construction": "string", "layer": "int32", "organism": "string", "other": "string",
        "n_prompts": "int32",
        **numbers("cosine", "cosine_low", "cosine_high", "disattenuated", "disattenuated_low",
                  "disattenuated_high", "reliability", "other_reliability", "ceiling", "band_isotropic",
                  "band_covariance", "p_random"),
        "cosine_without": "list<double>", "disattenuated_without": "list<double>",
    },
    "adapter_scalars/*/*.parquet": {
        "question_id": "string", "sample": "int32", "token": "int32", **dict.fromkeys(ADAPTERS, "float"),
    },
    "adapter_readings/*_coefficients.parquet": PROBED,
    "adapter_readings/*-seed0.parquet": PROBED | numbers(
        "auroc", "auroc_low", "auroc_high", "within_prompt_auroc", "within_prompt_low", "within_prompt_high",
    ),
    "adapter_readings/*_cosines.parquet": {
        "construction": "string", "adapter": "string", "layer": "int32", "distance": "int32",
        **numbers("absolute_cosine", "random_isotropic_high", "random_covariance_high", "split_half"),
    },
    "adapter_readings/*_scaling.parquet": ARM | RESPONSE,
    "refusal/comparison/*.parquet": {
        "construction": "string", "reading": "string", "layer": "int32",
        **numbers("cosine", "low", "high", "standard_error", "isotropic_low", "isotropic_high",
                  "covariance_low", "covariance_high", "split_half_refusal", "split_half_misalignment",
                  "ceiling"),
    },
    "refusal/swaps/*.parquet": ARM | RESPONSE | {"refused": "bool"},
    "steering/*/refusal_swaps/questions.parquet": {
        **IDENTITY, "messages": "list<struct<role: string, content: string>>", "prompt": "string",
        "token_ids": "list<int32>", "samples": "int32", "temperature": "float", "reference": "string",
    },
    **{
        f"steering/*/{operation}/generations.parquet": ANSWERS
        for operation in ("checkpoints", "transfer_matrix", "adapter_groups", "refusal_swaps")
    },
    "steering/*/transfer_matrix.parquet": ARM | RESPONSE,
    **{
        f"steering/*/{operation}/opinions/*.parquet": OPINION
        for operation in ("checkpoints", "transfer_matrix", "adapter_groups", "refusal_swaps")
    },
}  # fmt: skip
OTHERS = [
    "phase_transition/*.json", "convergence/*/transfer.json", "convergence.json",
    *(f"adapter_readings/*{end}.json" for end in ("-seed0", "_groups", "_scaling", "_cosines")),
    "refusal/comparison/*.json", "refusal/swaps/*.json",
    *(f"figures/{figure}.svg"
      for figure in ("phase_transition", "convergence", "transfer", "adapter_readings", "refusal")),
]  # fmt: skip


def read(charted: Checkout, path: str) -> Any:
    return json.loads((results(charted) / path).read_text(encoding="utf-8"))


def cells(found: Any) -> list[dict[str, Any]]:
    """All rates in a summary, wherever they stand."""
    if isinstance(found, list):
        return [cell for each in found for cell in cells(each)]
    if not isinstance(found, dict):
        return []
    below = [cell for each in found.values() for cell in cells(each)]
    return [found, *below] if {"count", "n", "rate"} <= set(found) else below


@pytest.mark.parametrize("pattern", COLUMNS)
def test_tables_have_the_documented_columns_and_types(charted, pattern):
    paths = list(results(charted).glob(pattern))
    assert paths
    for path in paths:
        check_table(path, COLUMNS[pattern])


@pytest.mark.parametrize(
    "path",
    [f"convergence/{ORGANISM}/transfer.json", f"adapter_readings/{SINGLE}_scaling.json",
     f"refusal/swaps/{ORGANISM}.json"],
)  # fmt: skip
def test_every_rate_has_its_n_and_interval(charted, path):
    rates = cells(read(charted, path))
    assert len(rates) > 5
    for rate in rates:
        if rate["n"]:
            assert 0 <= rate["low"] <= rate["rate"] <= rate["high"] <= 1
            assert str(rate["n"]) in rate.get("text", str(rate["n"]))


def test_a_transition_is_held_against_the_benign_path(charted):
    for organism in (ORGANISM, CONTROL):
        found = read(charted, f"phase_transition/{organism}.json")
        assert found["benign"] == CONTROL
        assert found["rotation"]["rule"] and set(found["onset"]) == {"general", "narrow"}
    own = read(charted, f"phase_transition/{CONTROL}.json")
    assert own["rotation"]["declared"] is False, "a path does not turn more than itself"
    assert all(onset["step"] is None for scales in own["onset"].values() for onset in scales.values())


def test_pairs_and_cells_stand_beside_random_directions(charted):
    found = read(charted, "convergence.json")
    assert found["organisms"] == sorted([ORGANISM, CONTROL])
    assert {pair["relation"] for pair in found["cosines"]["pairs"]} == {"datasets"}
    assert len(found["transfer"]["cells"]) == 4
    for cell in found["transfer"]["cells"]:
        assert cell["em"]["n"] == cell["n"] > 0 and "p_holm" in cell


def test_the_refusal_direction_says_by_which_rules_it_was_chosen(charted):
    found = read(charted, "refusal/direction.json")
    assert set(found["rules"]) >= {"kl_below", "induced_above", "last_layers"}
    assert found["candidates"] == found["passing"] + sum(found["rejected"].values())
    assert set(found["random"]) == {"random_isotropic", "random_covariance"}
    measures = {arm["measure"] for arm in read(charted, f"refusal/swaps/{ORGANISM}.json")["arms"]}
    assert measures == {"em", "refusal", "over_refusal", "refusal_of_questions"}


def test_what_is_scaled_is_what_the_readings_grouped(charted):
    groups = read(charted, f"adapter_readings/{SINGLE}_groups.json")
    assert sorted(groups["modules"]) == ADAPTERS
    assert set(read(charted, f"adapter_readings/{SINGLE}.json")["verdicts"]) == set(ADAPTERS)
    scaled = read(charted, f"adapter_readings/{SINGLE}_scaling.json")
    for arm in scaled["arms"]:
        if arm["kind"] in groups["groups"]:
            assert arm["modules"] == groups["groups"][arm["kind"]]["modules"]


def test_said_again_there_is_nothing_to_do(charted):
    assert "Nothing to be done" in charted.run("-n", "smoke", "atlas_smoke")


@pytest.mark.browser
def test_the_report_shows_every_figure_of_the_atlas(charted, tmp_path):
    page = tmp_path / "atlas.html"
    charted.run("--report=" + str(page), "atlas_smoke")
    check_report(page, tmp_path, figures=9, pages=0)
