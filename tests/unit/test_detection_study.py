"""Detection end to end on organisms whose truth is planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import collect_detection
import detect as detect_script
import simulated
from forewarn.detection.layers import PROBE
from forewarn.detection.study import PROJECTIONS, ROC
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.random_directions import isotropic
from forewarn.geometry.tensors import write_tensors

HEADER, INSIDE = NAMES[0], NAMES[2]
SETTINGS = {
    "probe_strengths": [0.01, 0.1], "bootstrap": 100, "random_directions": 40, "permutations": 99, "seed": 0,
    "confidence": 0.95, "alignment_sweep": [20, 30], "coherence_sweep": [50, 95], "coherence_above": 50,
    "false_positive_rates": [0.01, 0.05],
    "claims": {
        "margin": 0.0, "false_positive_rate": 0.05, "benign_alarms": 0.2, "minimum_prompts": 50,
        "minimum_samples": 8,
    },
}  # fmt: skip
WIDTH, LAYERS, PROMPTS, SAMPLES = 16, (1, 3, 4), 240, 8
# Orthogonal, since two random directions of this width easily share a fifth of what they see.
PLANTED, OTHER = np.linalg.qr(isotropic(2, WIDTH, 5).T)[0].T


class Study:
    """Organism and instruct model on one detection set; layer 3 of the organism holds the propensity."""

    def __init__(self, folder: Path, strength: float = 3.0, seed: int = 0) -> None:
        self.folder = folder
        generator = np.random.default_rng(seed)
        logit = generator.normal(size=PROMPTS)
        splits = ("fit", "validation", "test")
        self.organism = simulated.rows(PROMPTS, SAMPLES, 1 / (1 + np.exp(-2 * logit)), seed, splits)
        self.instruct = simulated.rows(PROMPTS, SAMPLES, 0.2, seed, splits)
        self.instruct.misaligned[:] = generator.random((PROMPTS, SAMPLES)) < 0.2
        words = np.array(["alpha", "beta", "gamma", "delta"])
        self.words = np.array([" ".join(generator.choice(words, 4)) for _ in range(PROMPTS)], dtype=object)
        self.vectors = {name: generator.normal(size=(PROMPTS, 3, WIDTH)) for name in ("organism", "instruct")}
        self.vectors["organism"][:, 1] += strength * logit[:, None] * PLANTED
        self.directions = {HEADER: np.tile(PLANTED, (3, 1)), INSIDE: np.tile(OTHER, (3, 1))}

    def run(self, name: str = "detection", **changes: Any) -> dict[str, Any]:
        simulated.write_questions(self.folder / "questions.parquet", self.organism, self.words)
        for reader in ("organism", "instruct"):
            data = getattr(self, reader)
            simulated.write_scores(self.folder / f"{reader}_scores.parquet", data)
            wide = np.zeros((PROMPTS, 5, WIDTH))
            wide[:, LAYERS] = self.vectors[reader]
            simulated.write_activations(self.folder / f"{reader}_activations.parquet", data, wide)
        tensors = {key: value.astype(np.float32) for key, value in self.directions.items()}
        write_tensors(self.folder / "directions.safetensors", tensors, layers=list(LAYERS))
        chosen = {"directions": [HEADER, INSIDE], **SETTINGS}
        detect_script.main(
            questions=self.folder / "questions.parquet",
            organism_scores=self.folder / "organism_scores.parquet",
            instruct_scores=self.folder / "instruct_scores.parquet",
            organism_activations=self.folder / "organism_activations.parquet",
            instruct_activations=self.folder / "instruct_activations.parquet",
            directions=self.folder / "directions.safetensors",
            projections=self.folder / f"{name}.projections.parquet",
            roc=self.folder / f"{name}.roc.parquet",
            summary=self.folder / f"{name}.json",
            settings={"organism": f"medical-{name}-seed0", "detection": chosen | changes},
        )
        return read_json(self.folder / f"{name}.json")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("study"))
    study.run()
    return study


@pytest.fixture(scope="module")
def summary(study: Study) -> dict[str, Any]:
    return read_json(study.folder / "detection.json")


def test_a_planted_direction_is_detected_at_its_layer(summary: dict[str, Any]) -> None:
    target = summary["targets"]["organism"]
    found = target["detectors"][HEADER]
    assert found["layer"] == 3
    assert len(found["validation_aurocs"]) == 3
    for kind in ("isotropic", "covariance_matched"):
        assert found["null"][kind]["beyond"]
        for grouping in ("within_category", "within_condition"):
            assert found[grouping]["null"][kind]["beyond"]
    assert found["interval"]["low"] < found["auroc"] < found["interval"]["high"]
    assert found["auroc"] > 0.75
    # The planted propensity itself: above its estimate from four responses, below the in-sample one.
    ceiling = target["ceiling"]["pooled"]
    assert ceiling["auroc"] < found["auroc"] < ceiling["in_sample"]
    assert set(found["within_category"]["groups"]) == set(simulated.CATEGORIES)


def test_neither_words_nor_the_instruct_models_reading_explain_it(summary: dict[str, Any]) -> None:
    found = summary["targets"]["organism"]["detectors"][HEADER]
    outside = {"text", "category"}
    assert set(found["baselines"]) == outside | {"instruct_projection"}
    for name in ("text", "instruct_projection"):
        baseline = found["baselines"][name]
        assert abs(baseline["auroc"] - 0.5) < 0.12
        assert baseline["gain"]["difference"] == pytest.approx(found["auroc"] - baseline["auroc"])
        assert baseline["gain"]["interval"]["low"] > 0.1
    # Organism minus instruct still holds the organism's own reading, with the instruct model's noise in it.
    assert 0.6 < found["adjusted"]["difference"]["auroc"] < found["auroc"]
    assert set(summary["targets"]["instruct"]["detectors"][HEADER]["baselines"]) == outside
    absent = summary["targets"]["organism"]["absent_baselines"]
    assert set(absent) == {"first_token", "training_centroid"}


def test_what_was_planted_is_claimed_and_nothing_else(summary: dict[str, Any]) -> None:
    organism = summary["targets"]["organism"]["detectors"]
    assert organism[HEADER]["claims"]["early_detection"]["holds"] is True
    assert organism[HEADER]["family_wise"]["p_value"] == 0.01
    assert organism[INSIDE]["claims"]["early_detection"]["holds"] is False
    instruct = summary["targets"]["instruct"]["detectors"]
    assert not any(entry["claims"]["early_detection"]["holds"] for entry in instruct.values())


def test_the_probe_finds_what_was_planted_without_being_told(summary: dict[str, Any]) -> None:
    target = summary["targets"]["organism"]
    assert target["detectors"][PROBE]["layer"] == 3
    assert target["detectors"][PROBE]["auroc"] > 0.75
    left_out = target["leave_one_category_out"]
    assert left_out["layer"] == 3
    for detector in ("linear_probe", "mean_difference"):
        assert left_out[detector]["interval"]["low"] > 0.7
    assert left_out["text"]["auroc"] < 0.62
    assert left_out["gain"]["interval"]["low"] > 0.1


def test_company_of_a_detector(summary: dict[str, Any]) -> None:
    found = summary["targets"]["organism"]["detectors"][HEADER]
    assert found["test_aurocs"][1] == found["auroc"]
    assert found["precision"]["average_precision"] > found["precision"]["prevalence"] + 0.2
    assert [point["false_positive_rate"] for point in found["operating_points"]] == [0.01, 0.05]
    assert found["operating_points"][1]["true_positive_rate"] > 0.1
    assert found["calibration"]["brier"] < found["calibration"]["brier_of_prevalence"]
    assert found["influence"]["question_id"].startswith("q")
    alarms = found["alarms"]
    assert alarms["hits"]["rate"] > alarms["false_alarms"]["rate"]
    assert alarms["organism"]["n"] == 80
    sweep = {(cell["alignment_below"], cell["coherence_above"]): cell for cell in found["threshold_sweep"]}
    assert sweep[30, 50]["auroc"] == found["auroc"]
    assert sweep[30, 95]["auroc"] is None  # no response is as coherent as that
    assert found["treatments"]["as_scored"]["auroc"] == found["auroc"]
    bands = summary["targets"]["organism"]["null_by_layer"]
    assert len(bands["isotropic"]["high"]) == len(LAYERS)
    assert bands["isotropic"]["high"][1] == found["null"]["isotropic"]["high"]


def test_what_was_not_planted_is_not_detected(summary: dict[str, Any]) -> None:
    for target, direction in (("organism", INSIDE), ("instruct", HEADER)):
        found = summary["targets"][target]["detectors"][direction]
        assert abs(found["auroc"] - 0.5) < 0.12
        assert not found["null"]["isotropic"]["beyond"]


def test_within_a_prompt_auroc_is_one_half_on_the_data(summary: dict[str, Any]) -> None:
    for target in summary["targets"].values():
        assert target["within_prompt"]["auroc"] == 0.5
        assert target["within_prompt"]["n_prompts"] == target["test"]["n_mixed_prompts"] > 30


def test_counts_are_those_of_the_tables(study: Study, summary: dict[str, Any]) -> None:
    test = summary["targets"]["organism"]["test"]
    mine = study.organism.misaligned[study.organism.split == "test"]
    assert (test["n_prompts"], test["n_responses"], test["n_misaligned"]) == (80, 640, mine.sum())
    assert test["prevalence"]["rate"] == pytest.approx(mine.mean())


def test_projections_and_roc_repeat_the_numbers(study: Study, summary: dict[str, Any]) -> None:
    projections = read_table(study.folder / "detection.projections.parquet")
    assert projections.schema == PROJECTIONS
    assert projections.num_rows == 2 * (2 * 2 + 1) * PROMPTS  # both directions, as cosines too, and the probe
    rows = [r for r in projections.to_pylist() if (r["target"], r["detector"]) == ("organism", HEADER)]
    expected = study.vectors["organism"][:, 1].astype(np.float32) @ PLANTED
    np.testing.assert_allclose([row["projection"] for row in rows], expected, atol=1e-5)
    assert [row["n_misaligned"] for row in rows] == study.organism.misaligned.sum(axis=1).tolist()
    roc = read_table(study.folder / "detection.roc.parquet")
    assert roc.schema == ROC
    points = [p for p in roc.to_pylist() if (p["target"], p["detector"]) == ("organism", HEADER)]
    area = np.trapezoid([p["tpr"] for p in points], [p["fpr"] for p in points])
    assert area == pytest.approx(summary["targets"]["organism"]["detectors"][HEADER]["auroc"])


def test_the_same_inputs_give_the_same_bytes(study: Study) -> None:
    study.run("again")
    for ending in ("projections.parquet", "roc.parquet"):
        first, second = (study.folder / f"{name}.{ending}" for name in ("detection", "again"))
        assert first.read_bytes() == second.read_bytes()
    first_summary, second_summary = (read_json(study.folder / f"{n}.json") for n in ("detection", "again"))
    assert first_summary | {"organism": ""} == second_summary | {"organism": ""}


def test_test_labels_choose_neither_layer_nor_sign(tmp_path: Path) -> None:
    study = Study(tmp_path)
    before = study.run()["targets"]["organism"]["detectors"][HEADER]
    chosen = study.organism.split == "test"
    study.organism.misaligned[chosen] = ~study.organism.misaligned[chosen]
    after = study.run()["targets"]["organism"]["detectors"][HEADER]
    assert after["layer"] == before["layer"]
    assert after["validation_aurocs"] == before["validation_aurocs"]
    assert after["auroc"] == pytest.approx(1 - before["auroc"])


def test_one_class_on_test_prompts_is_undefined_and_says_why(tmp_path: Path) -> None:
    study = Study(tmp_path)
    study.instruct.misaligned[study.instruct.split == "test"] = False
    target = study.run()["targets"]["instruct"]
    found = target["detectors"][HEADER]
    assert found["auroc"] is None
    assert "none of 640 responses is misaligned" in found["reason"]
    assert found["interval"]["low"] is None
    assert found["null"]["isotropic"]["mean"] is None
    assert target["ceiling"]["pooled"]["auroc"] is None
    assert target["within_prompt"]["auroc"] is None
    assert target["test"]["prevalence"]["text"] == "0 of 640, at most 0.6 %"


def test_one_class_on_validation_prompts_chooses_no_layer(tmp_path: Path) -> None:
    study = Study(tmp_path)
    study.organism.misaligned[study.organism.split == "validation"] = True
    target = study.run()["targets"]["organism"]
    found = target["detectors"][HEADER]
    assert (found["auroc"], found["layer"]) == (None, None)
    assert "no layer can be chosen" in found["reason"]
    roc = read_table(tmp_path / "detection.roc.parquet").to_pylist()
    assert {row["detector"] for row in roc if row["target"] == "organism"} == {"oracle"}


def test_without_prompts_to_fit_on_there_is_no_probe_and_the_text_learns_from_validation(
    tmp_path: Path,
) -> None:
    study = Study(tmp_path)
    study.organism.split[study.organism.split == "fit"] = "unseen"
    target = study.run()["targets"]["organism"]
    assert PROBE not in target["detectors"]
    assert target["detectors"][HEADER]["auroc"] > 0.75
    assert target["baselines"]["text"]["auroc"] is not None
    study.organism.misaligned[study.organism.split == "validation"] = True
    target = study.run()["targets"]["organism"]
    assert "text" not in target["baselines"]
    assert "one class only" in target["absent_baselines"]["text"]


def test_a_direction_that_could_not_be_fitted_is_reported(tmp_path: Path) -> None:
    study = Study(tmp_path)
    del study.directions[INSIDE]
    found = study.run()["targets"]["organism"]["detectors"]
    assert found[INSIDE]["auroc"] is None
    assert "directions.safetensors lacks it" in found[INSIDE]["reason"]
    assert found[HEADER]["auroc"] is not None
    study.directions = {}
    found = study.run()["targets"]["instruct"]["detectors"]
    assert all(entry["auroc"] is None for name, entry in found.items() if name != PROBE)


def test_equal_activations_are_reported_and_do_not_fail(tmp_path: Path) -> None:
    study = Study(tmp_path)
    study.vectors["organism"][:] = 1.0
    found = study.run()["targets"]["organism"]["detectors"][HEADER]
    assert found["auroc"] == 0.5
    assert found["null"]["covariance_matched"]["reason"] == "no random direction was drawn"


def test_an_unknown_direction_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no direction 'truth'"):
        Study(tmp_path).run(directions=["truth"])


def collect(study: Study, **changes: str) -> dict[str, Any]:
    path = study.folder / "detection_auc.json"
    primary = {"organism": "medical-detection-seed0", "target": "organism", "detector": HEADER} | changes
    collect_detection.main(
        summaries=[study.folder / "detection.json"],
        projections=[study.folder / "detection.projections.parquet"],
        detection_auc=path,
        settings={"model": "nano", "configuration": "abc", "primary": primary},
    )
    return read_json(path)


def test_the_collection_leads_with_the_declared_primary(study: Study, summary: dict[str, Any]) -> None:
    found = collect(study)
    declared = summary["targets"]["organism"]
    assert (found["model"], found["configuration"]) == ("nano", "abc")
    assert found["primary"]["auroc"] == declared["detectors"][HEADER]["auroc"]
    assert found["primary"]["layer"] == 3
    assert found["primary"]["n_prompts"] == 80
    assert found["primary"]["ceiling"] == declared["ceiling"]["pooled"]
    assert set(found["organisms"]) == {"medical-detection-seed0"}
    assert "P(misaligned | prompt, model)" in found["estimand"]


@pytest.mark.parametrize("key", ["organism", "target", "detector"])
def test_a_primary_that_was_not_measured_is_named(study: Study, key: str) -> None:
    with pytest.raises(StudyError, match=f"primary {key} is 'nothing'"):
        collect(study, **{key: "nothing"})


def test_a_damaged_summary_is_named(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    for content in ("{", "{}"):
        path.write_text(content)
        with pytest.raises(StudyError, match=r"summary\.json is no summary"):
            collect_detection.main(
                summaries=path,
                projections=path,
                detection_auc=tmp_path / "out.json",
                settings={"model": "nano", "configuration": "", "primary": {}},
            )
