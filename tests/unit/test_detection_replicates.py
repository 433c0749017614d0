"""The same study on several models, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import compare_replicates
from forewarn.errors import StudyError
from forewarn.files import read_json, write_json


def study(path: Path, holds: bool | None, auroc: float | None) -> Path:
    claims = {"beyond_baselines": {"holds": holds}, "early_detection": {"holds": holds}}
    entry = {"auroc": auroc, "layer": 3, "claims": claims}
    content = {
        "primary": {
            "organism": "bad-seed0", "detector": "d", "auroc": auroc, "layer": 3, "n_prompts": 9,
            "best_baseline": "text", "baselines": {"text": {"gain": {"difference": 0.1}}}, "claims": claims,
        },
        "organisms": {
            "bad-seed0": {
                "targets": {
                    "organism": {"detectors": {"d": entry, "probe": entry | {"auroc": 0.8}}},
                    "instruct": {"detectors": {"d": entry | {"auroc": None}}},
                }
            }
        },
    }  # fmt: skip
    write_json(path, content)
    return path


def compared(folder: Path, *studies: tuple[bool | None, float | None]) -> dict[str, Any]:
    paths = [study(folder / f"{number}.json", *each) for number, each in enumerate(studies)]
    names = [f"nano_{number}" for number in range(len(paths))]
    compare_replicates.main(studies=paths, replicates=folder / "replicates.json", settings={"models": names})
    found: dict[str, Any] = read_json(folder / "replicates.json")
    return found


def test_claims_are_counted_and_numbers_stand_side_by_side(tmp_path: Path) -> None:
    found = compared(tmp_path, (True, 0.7), (False, 0.6), (None, None))
    assert found["claims"]["early_detection"] == {"holds": 1, "fails": 1, "open": 1}
    assert [entry["auroc"] for entry in found["studies"].values()] == [0.7, 0.6, None]
    assert found["studies"]["nano_0"]["gain"] == {"difference": 0.1}


def test_where_else_the_information_is_comes_in_order(tmp_path: Path) -> None:
    elsewhere = compared(tmp_path, (False, 0.6))["studies"]["nano_0"]["elsewhere"]
    assert [(entry["target"], entry["detector"], entry["auroc"]) for entry in elsewhere] == [
        ("organism", "probe", 0.8), ("organism", "d", 0.6),
    ]  # fmt: skip


def test_what_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("{}")
    with pytest.raises(StudyError, match=r"0\.json is no detection_auc\.json"):
        compare_replicates.main(
            studies=tmp_path / "0.json", replicates=tmp_path / "out.json", settings={"models": ["nano"]}
        )
