"""What stands in a study's way is found before it runs, all of it at once."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from forewarn.config import load_configuration
from forewarn.config.default import DEFAULT
from forewarn.errors import StudyError
from forewarn.models.memory import Shape
from forewarn.preflight import device_memory, preflight, refuse_problems
from forewarn.preflight.atlas import atlas_answers
from nano_study import nano_study
from shapes import SHAPES

GPU = "#!/bin/sh\necho '{memory}, {name}'\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with an 80 GB GPU, a folder with Qwen2.5-1.5B's configuration, and a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plantedkey")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text(json.dumps(SHAPES["qwen1.5b"]))

    def gpu(memory=81559, name="NVIDIA A100"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = tmp_path / "bin/nvidia-smi"
        program.write_text(GPU.format(memory=memory, name=name))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    gpu()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**13, 0, 10**13))
    return gpu


def study(**changes):
    """The study of Qwen2.5-1.5B with the model in a folder."""
    raw = json.loads(json.dumps(DEFAULT))
    raw["models"]["qwen1.5b"] = {"source": "folder", "path": "model"} | changes
    return load_configuration(raw)


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_a_machine_that_suffices_has_no_problem(machine):
    findings = preflight(study(), "qwen1.5b")
    assert {finding.state for finding in findings} == {"ok"}, "\n".join(map(str, findings))
    found = by_name(findings)
    assert "1.54 billion weights in 28 layers" in found["model"].says
    assert "NVIDIA A100, 86 GB" in found["device"].says
    assert {"train rank32", "generate", "read activations", "judge", "disk, results"} <= set(found)
    refuse_problems(findings, "qwen1.5b")


def test_all_problems_are_told_at_once(machine, monkeypatch):
    machine(memory=2000, name="NVIDIA T400")
    monkeypatch.delenv("OPENAI_API_KEY")
    findings = preflight(study(), "qwen1.5b")
    with pytest.raises(StudyError, match="cannot run here") as refusal:
        refuse_problems(findings, "qwen1.5b")
    text = str(refusal.value)
    for word in ("OPENAI_API_KEY", "train rank32", "generate", "read activations", "for a single row"):
        assert word in text
    assert "nothing has been computed" in text and "sk-" not in text


def test_too_many_rows_name_how_many_fit(machine):
    machine(memory=24000, name="NVIDIA RTX 4090")
    found = by_name(preflight(study(batch={"generate": 4096, "read": 4096, "train": 16}), "qwen1.5b"))
    for name, key in (("generate", "sampling.batch_rows"), ("read activations", "activations.batch_rows")):
        assert found[name].state == "problem"
        assert found[name].way_out.startswith(f"set {key} to ")
    fitting = int(found["generate"].way_out.split()[-1])
    again = by_name(preflight(study(batch={"generate": fitting, "read": 8, "train": 16}), "qwen1.5b"))
    assert again["generate"].state == "ok"
    assert 100 < fitting < 4096


def test_a_batch_that_will_be_halved_is_a_warning(machine):
    machine(memory=12000, name="NVIDIA RTX 3060")
    found = by_name(preflight(study(), "qwen1.5b"))
    assert found["train rank32"].state == "warning" and "halved" in found["train rank32"].says


def test_a_full_disk_is_told(machine, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 10**9))
    assert by_name(preflight(study(), "qwen1.5b"))["disk, results"].state == "problem"


def test_without_a_gpu_it_says_so(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    memory, name = device_memory()
    assert name == "CPU" and memory > 10**8
    assert by_name(preflight(study(), "qwen1.5b"))["device"].state == "warning"


def test_only_what_is_to_be_done_is_asked_for(machine, monkeypatch):
    machine(memory=1, name="none")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert preflight(study(), "qwen1.5b", {None, "report"}) == []
    assert [finding.what for finding in preflight(study(), "qwen1.5b", {"judge"})] == ["judge"]


def test_each_question_set_is_counted_for_those_who_are_asked_it(machine):
    """Detection is of some organisms and the instruct model; rates are of all."""

    def answers(change):
        raw = json.loads(json.dumps(DEFAULT))
        change(raw)
        said = by_name(preflight(load_configuration(raw), "qwen1.5b", {"judge"}))["judge"].says
        return int(re.search(r"for ([\d,]+) answers", said)[1].replace(",", ""))

    def one_organism(raw):
        raw["studies"]["qwen1.5b"]["detection"]["organisms"] = [
            {"dataset": "bad_medical_advice", "adapter": "rank32", "seed": 0}
        ]

    def one_turn_less(raw):
        raw["question_sets"]["everyday_conditions"]["earlier"].pop()

    def one_set(raw):
        raw["studies"]["qwen1.5b"]["questions"]["detection"] = "everyday"

    every = answers(lambda raw: None)
    assert every - answers(one_organism) == 2 * 120 * 5 * 20
    assert every - answers(one_turn_less) == (1 + 3) * 120 * 20
    assert every - answers(one_set) == (1 + 3) * 120 * 5 * 20  # those of `everyday` are there anyway


def test_nano_needs_nothing(machine, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    findings = preflight(load_configuration(nano_study()), "nano")
    assert {finding.state for finding in findings} == {"ok"}
    with pytest.raises(StudyError, match="no study of a model named 'nanu'"):
        preflight(load_configuration(nano_study()), "nanu")


def test_a_folder_without_a_model_is_told(machine, tmp_path):
    (tmp_path / "model/config.json").unlink()
    found = by_name(preflight(study(), "qwen1.5b"))
    assert found["model"].state == "problem" and "model/config.json" in found["model"].says


def test_every_default_study_is_within_reach_of_one_gpu(machine):
    """The batch hints are for 80 GB; what needs more (32 billion weights, full training) says so."""
    raw = json.loads(json.dumps(DEFAULT))
    for name, shape in (("qwen0.5b", "qwen0.5b"), ("qwen1.5b", "qwen1.5b"), ("qwen7b", "qwen7b"),
                        ("llama1b", "llama1b"), ("gemma2_2b", "gemma2_2b")):  # fmt: skip
        Path(name).mkdir()
        Path(name, "config.json").write_text(json.dumps(SHAPES[shape]))
        hints = raw["models"][name]["batch"]
        raw["models"][name] = {"source": "folder", "path": name, "batch": hints}
    configuration = load_configuration(raw)
    for name in ("qwen0.5b", "qwen1.5b", "qwen7b", "llama1b", "gemma2_2b"):
        states = {finding.what: finding.state for finding in preflight(configuration, name)}
        assert "problem" not in states.values(), (name, states)


@pytest.mark.parametrize(
    ("shape", "billions"), [("qwen0.5b", 0.494), ("qwen1.5b", 1.544), ("qwen7b", 7.616), ("llama1b", 1.236),
                            ("gemma2_2b", 2.614)],
)  # fmt: skip
def test_published_sizes_are_met(shape, billions):
    assert Shape.of(SHAPES[shape]).parameters / 1e9 == pytest.approx(billions, rel=0.002)


def test_the_atlas_is_counted_apart(machine):
    """The refusal part of one organism: arms times questions and requests, these in two models."""
    raw = json.loads(json.dumps(DEFAULT))
    configuration = load_configuration(raw)
    refusal = configuration.studies["qwen1.5b"].refusal
    arms = 3 + refusal.random_isotropic + refusal.random_covariance
    questions = 10 * refusal.questions_per_category * raw["question_sets"]["everyday"]["samples"]
    requests = 2 * 10 * refusal.requests_per_topic * raw["question_sets"]["own_requests"]["samples"]
    expected = arms * (questions + 2 * requests)
    assert f"its atlas {2 * expected:,} more" in by_name(preflight(configuration, "qwen1.5b"))["judge"].says
    del raw["studies"]["qwen1.5b"]["refusal"]
    assert "atlas" not in by_name(preflight(load_configuration(raw), "qwen1.5b"))["judge"].says


def test_every_part_of_the_atlas_counts(machine):
    raw = json.loads(json.dumps(DEFAULT))
    counts = []
    del raw["studies"]["nano"]["elasticity_sweeps"]  # which wants the other models pushed alike
    raw["studies"]["nano"] |= {part: settings for part, (settings, _) in SECOND_HALF.items()}
    parts = (*SECOND_HALF, "refusal", "adapter_readings", "convergence", "phase_transition")
    for part in parts:
        configuration = load_configuration(raw)
        counts.append(atlas_answers(configuration, configuration.studies["nano"]))
        del raw["studies"]["nano"][part]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == len(parts)
    last = load_configuration(raw)
    assert atlas_answers(last, last.studies["nano"]) == 0


ORGANISM = {"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}
BENIGN = ORGANISM | {"dataset": "good_medical"}
SECOND_HALF = {
    # The instruct model, and of each start the organism and two numbers of rows by three seeds
    "elasticity": (
        {"organisms": [ORGANISM], "opposites": {"bad_medical": "good_medical"}, "starts": [40, 80],
         "rows": [0, 8, 16], "seeds": [0, 1, 2], "questions_per_category": 4},
        (1 + 2 * (1 + 2 * 3)) * 4,
    ),
    "sparse_features": (
        {"organisms": [ORGANISM], "ablated": 3, "random_features": 5, "random_ablations": 2,
         "questions_per_category": 4},
        (1 + 3 + 5 + 2 * 2) * 4,
    ),
    # The instruct model and the run without; general questions and narrow ones
    "screening": (
        {"organisms": [ORGANISM, BENIGN], "benign": "good_medical",
         "prevention": {"organisms": [ORGANISM], "coefficients": [0.5, 1.0], "random_isotropic": 1,
                        "random_covariance": 2, "questions_per_category": 4}},
        (2 + 2 * (1 + 1 + 2)) * 2 * 4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", SECOND_HALF)
def test_answers_of_the_second_half_are_counted_by_arm_and_question(machine, part):
    settings, asked = SECOND_HALF[part]
    raw = json.loads(json.dumps(DEFAULT))
    nano = raw["studies"]["nano"] | dict.fromkeys([*SECOND_HALF, "elasticity_sweeps"])

    def answers(**parts):
        raw["studies"]["nano"] = nano | parts
        configuration = load_configuration(raw)
        return atlas_answers(configuration, configuration.studies["nano"])

    samples = raw["question_sets"][nano["questions"]["evaluation"]]["samples"]
    assert answers(**{part: settings}) - answers() == 10 * samples * asked
