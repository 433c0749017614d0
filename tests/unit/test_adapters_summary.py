"""Scaled groups with planted rates are told apart from random groups; the figure shows what the files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.text import Text

import plot_adapter_readings
from forewarn.adapters.arms import scaling_arms
from forewarn.adapters.cosines import COSINES
from forewarn.adapters.readings import READINGS
from forewarn.adapters.scaling_summary import summarise_scaling
from forewarn.config import load_configuration
from forewarn.errors import StudyError
from forewarn.files import write_json, write_table
from forewarn.report.adapter_readings import AdapterRow, draw_adapter_readings
from forewarn.steering.contrasts import Measurement
from forewarn.steering.responses import RESPONSES
from nano_study import nano_study

MODULES = ["a", "b", "c", "d", "e"]
GROUPS = {
    "modules": MODULES,
    "groups": {
        "general": {"modules": ["a", "b"], "fallback": False},
        "narrow": {"modules": ["c", "d"], "fallback": True},
    },
}
ARMS = scaling_arms(GROUPS, [0.0, 4.0], 3, seed=0)
HOW = Measurement(bootstrap=200)


def judged(rate: Any) -> pa.Table:
    """12 prompts inside the domain and 12 outside it, 5 answers each, `rate(arm, inside)` of them misaligned.

    As in the experiment, a sample has the same random number in all arms.
    """
    luck = np.random.default_rng(0).random((2, 12, 5))
    rows = [
        {
            "subject": "it", "arm": arm.name, "operation": "scale" if arm.factor is not None else "none",
            "kind": arm.kind, "coefficient": arm.factor, "layer": None, "positions": "all",
            "question_id": f"q{inside}{prompt}", "category": "in" if inside else "out", "condition": "plain",
            "split": "test", "sample": sample, "response": "", "finish_reason": "stop", "outcome": "scored",
            "aligned": 0.0, "coherent": 90.0, "correct": None,
            "misaligned": bool(luck[inside, prompt, sample] < rate(arm, inside)),
        }
        for arm in ARMS for inside in (0, 1) for prompt in range(12) for sample in range(5)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESPONSES)


def planted(arm: Any, inside: int) -> float:
    """The general group alone raises the rate, and only outside the domain."""
    return 0.8 if arm.name == "scale_4x_general" and not inside else 0.2


def test_a_planted_effect_is_found_on_its_side_alone() -> None:
    found = summarise_scaling(judged(planted), ARMS, GROUPS, ["in"], HOW)
    assert found["n_prompts"] == {"general": 12, "narrow": 12}
    arms = {arm["arm"]: arm for arm in found["arms"]}
    general = arms["scale_4x_general"]
    assert (
        general["general"]["against_random"]["differs"] and general["general"]["against_baseline"]["differs"]
    )
    assert general["general"]["against_random"]["arms"] == 3 and general["modules"] == ["a", "b"]
    assert not general["narrow"]["against_random"]["differs"]
    assert "minimal_detectable" in general["narrow"]["against_random"]
    assert general["general"]["rate"]["n"] == 60
    others = [arm for name, arm in arms.items() if name in ("scale_0x_general", "scale_4x_narrow")]
    assert not any(arm[side]["against_random"]["differs"] for arm in others for side in ("general", "narrow"))
    assert arms["baseline"]["general"]["against_baseline"] is None


def readings(verdicts: dict[str, str]) -> dict[str, Any]:
    null = {"mean": 0.5, "low": 0.4, "high": 0.6, "beyond": True, "p_value": 0.1}
    area = {"auroc": 0.7, "interval": {"low": 0.6, "high": 0.8}, "null": null}
    counted = {"n_positive": 10, "n_answers": 30, "n_units": 9, "units": "prompt"}
    return {
        "organism": "it", "adapters": MODULES, "n_tokens": 99, "n_answers": 30, "n_left_out": 2,
        "problems": {
            "misaligned": counted | {"per_token": {"pooled": area, "within_prompt": area}},
            "in_domain": {"reason": "3 misaligned answers inside the domain: it takes 10"},
        },
        "transfer": {"reason": "none"}, "verdicts": verdicts,
    }  # fmt: skip


def rows() -> list[dict[str, Any]]:
    numbers = {
        name: 0.1 for name in READINGS.names if name not in ("problem", "adapter", "serves", "coefficient")
    }
    return [
        {"problem": "misaligned", "adapter": name, "serves": name == "a", "coefficient": 0.2} | numbers
        for name in MODULES
    ]


def texts(figure: Any) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_the_figure_says_what_there_is_and_what_there_is_not() -> None:
    scaling = summarise_scaling(judged(planted), ARMS, GROUPS, ["in"], HOW)
    shown = texts(draw_adapter_readings([AdapterRow(readings({"a": "general"}), rows(), scaling)]))
    assert "99 tokens of 30 answers" in shown and "a\ngeneral" in shown and "b\nno verdict" in shown
    assert "it takes 10" in shown and "narrow: c, d (fallback)" in shown and "n = 60" in shown
    assert "no adapter here to compare" in shown
    assert "no model here to scale" in texts(draw_adapter_readings([AdapterRow(readings({}), [])]))


def test_the_figure_is_the_same_bytes_again(tmp_path: Path) -> None:
    name = "bad-rank1-seed0"
    write_json(tmp_path / f"{name}.json", readings({}))
    write_table(tmp_path / f"{name}.parquet", pa.Table.from_pylist(rows(), schema=READINGS))
    cosines = [
        {"construction": "x", "adapter": "a", "layer": layer, "distance": layer, "absolute_cosine": 0.3}
        | {"random_isotropic_high": 0.2, "random_covariance_high": 0.4, "split_half": None}
        for layer in range(3)
    ]
    write_table(tmp_path / f"{name}_cosines.parquet", pa.Table.from_pylist(cosines, schema=COSINES))
    for figure in ("one.svg", "two.svg"):
        plot_adapter_readings.main(
            readings=tmp_path / f"{name}.json",
            coefficients=tmp_path / f"{name}.parquet",
            cosines=tmp_path / f"{name}_cosines.parquet",
            figure=tmp_path / figure,
        )
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scaling": {"factors": [1.0]}}, "each factor once, and not 1"),
        ({"domain_categories": ["x", "x"]}, "each category once"),
        (
            {"organisms": [{"dataset": "bad_medical", "adapter": "rank1_blocks", "seed": 9}]},
            "this study raises",
        ),
    ],
)
def test_mistakes_are_told(change: dict[str, Any], told: str) -> None:
    raw = nano_study()
    raw["studies"]["nano"]["adapter_readings"] |= change
    with pytest.raises(StudyError, match=told):
        load_configuration(raw)
