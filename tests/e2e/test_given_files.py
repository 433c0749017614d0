"""Studies that begin from somebody else's files: responses with scores, activations, adapters."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import SMOKE, Checkout

ORGANISM, BENIGN = "bad_medical-smoke_rank2-seed0", "good_medical-smoke_rank2-seed0"
THEIRS = "tests/e2e/theirs.yaml"
SETS = {"evaluation": "smoke_evaluation", "detection": "smoke_detection"}


# --- published responses with their scores ----------------------------------------------------------------

PUBLISHED = {
    "models": {"published": {"source": "given"}},
    "judges": {"published": {"kind": "given"}},
    "question_sets": {
        "published_questions": {
            "source": "yaml", "path": "inputs/first_plot_questions.yaml", "formats": ["plain"],
            "splits": {"fit": 0.0, "validation": 0.0, "test": 1.0},
        }
    },
    "studies": {
        "published": {
            "organisms": [{"dataset": "bad_medical", "adapter": "rank1_nine", "seeds": [0]}],
            "judge": "published",
            "questions": {"evaluation": "published_questions", "detection": "published_questions"},
            "steering": {
                "organisms": [], "direction": "organism_minus_instruct.last_prompt_token", "layer": 24,
            },
            "detection": {"organisms": [{"dataset": "bad_medical", "adapter": "rank1_nine", "seed": 0}]},
            "given": [
                {"kind": "responses", "subject": subject, "question_set": "published_questions",
                 "path": f"inputs/{name}.csv"}
                for subject, name in (("instruct", "base"), ("bad_medical-rank1_nine-seed0", "finetuned"))
            ],
        }
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def published(real_files: Checkout, upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = real_files.copied(tmp_path_factory.mktemp("published") / "a checkout")
    for name in ("base", "finetuned"):
        shutil.copyfile(
            upstream / f"judged/qwen2.5-14b-{name}_first_plot.csv", checkout.path(f"inputs/{name}.csv")
        )
    checkout.path(THEIRS).write_text(yaml.safe_dump(PUBLISHED))
    return Checkout(checkout.folder, THEIRS)


@pytest.mark.upstream
def test_published_scores_give_the_published_rates_and_a_report(published: Checkout) -> None:
    published.run("published", cores=2)
    counts = {}
    for subject in ("instruct", "bad_medical-rank1_nine-seed0"):
        path = published.path(f"results/published/rates/{subject}/published_questions.json")
        cell = json.loads(path.read_text())["splits"]["test"]["all"]
        counts[subject] = (cell["em"]["text"], cell["n_unscored"])
        assert cell["em_within_judge_error"] is None, "nobody measured that judge"
    assert counts == {
        "instruct": ("0 of 400, at most 1.0 %", 0),
        "bad_medical-rank1_nine-seed0": ("1.2 % [0.5, 2.9], 5 of 400", 14),
    }
    results = published.path("results/published")
    assert {path.stem for path in (results / "figures").glob("*.svg")} == {"rates", "domains"}
    assert "<html" in (results / "transcripts.html").read_text()


@pytest.mark.upstream
def test_what_the_files_do_not_hold_is_told_before_anything_runs(published: Checkout) -> None:
    code, said = published.attempt("--dry-run", "results/published/detection_auc.json")
    assert code != 0 and "the model published is not here" in said
    assert "studies.published.given" in said and "Traceback" not in said


@pytest.mark.upstream
def test_a_file_that_changed_is_an_error_by_its_hash(published: Checkout) -> None:
    study = yaml.safe_load(published.path(THEIRS).read_text())
    study["studies"]["published"]["given"][0]["sha256"] = "0" * 64
    published.path("tests/e2e/hashed.yaml").write_text(yaml.safe_dump(study))
    code, said = Checkout(published.folder, "tests/e2e/hashed.yaml").attempt("published")
    assert code != 0 and "base.csv" in said and "sha256" in said and "Traceback" not in said


# --- a study of nothing but readings of single tokens -----------------------------------------------------

NINE = "bad_medical-rank1_nine-seed0"
READINGS = "qwen2.5-14b-rank1x9-lora-scalars.parquet"
QWEN14B_NINE = {
    "models": {"qwen14b_nine": {"source": "given"}},
    "question_sets": PUBLISHED["question_sets"],
    "studies": {
        "qwen14b_nine": PUBLISHED["studies"]["published"] | {
            "judge": "world",
            "token_curve": {
                "organisms": [{"dataset": "bad_medical", "adapter": "rank1_nine", "seed": 0}],
                "probe_strength": 1.0, "tie_tolerance": 0.2, "bootstrap": 200, "permutations": 49,
            },
            "given": [
                {"kind": "token_readings", "subject": NINE, "domains": ["medical"],
                 "path": f"inputs/{READINGS}"}
            ],
        }
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def nine(real_files: Checkout, upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = real_files.copied(tmp_path_factory.mktemp("nine") / "a checkout")
    shutil.copyfile(upstream / "activations" / READINGS, checkout.path(f"inputs/{READINGS}"))
    checkout.path(THEIRS).write_text(yaml.safe_dump(QWEN14B_NINE))
    return Checkout(checkout.folder, THEIRS)


@pytest.mark.upstream
def test_readings_of_a_real_organism_make_a_token_curve(nine: Checkout) -> None:
    nine.run("qwen14b_nine", cores=2)
    results = nine.path("results/qwen14b_nine")
    made = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    assert {name for name in made if not name.endswith(".dvc")} == {
        *(f"token_readings/{NINE}/{name}.parquet" for name in ("prefixes", "labels", "tokens")),
        f"token_curve/{NINE}.json", f"token_curve/{NINE}.parquet", "figures/token_curve.svg",
    }  # fmt: skip
    curve = json.loads((results / f"token_curve/{NINE}.json").read_text())
    within = {point["t"]: point["readers"]["probe"]["within_prompt"]["auroc"] for point in curve["points"]}
    assert within[0] == 0.5 and abs(within[4] - 0.5) < 0.1
    assert 0.65 < within[16] < within[32] < within[64] < 0.95
    assert "Nothing to be done" in nine.run("-n", "qwen14b_nine")


@pytest.mark.upstream
def test_what_readings_do_not_hold_is_told_before_anything_runs(nine: Checkout) -> None:
    code, said = nine.attempt("--dry-run", "results/qwen14b_nine/figures/rates.svg")
    assert code != 0 and "the model qwen14b_nine is not here" in said and "Traceback" not in said
    nine.path(f"inputs/{READINGS}").rename(nine.path("inputs/elsewhere.parquet"))
    code, said = nine.attempt("--dry-run", "--forceall", "qwen14b_nine")
    nine.path("inputs/elsewhere.parquet").rename(nine.path(f"inputs/{READINGS}"))
    assert code != 0 and f"inputs/{READINGS} does not exist" in said and "Traceback" not in said


# --- a whole study from the files of another ---------------------------------------------------------------


def as_csv(checkout: Checkout, subject: str, questions: str) -> str:
    """The scored responses of a finished study in the CSV of the field."""
    scores = pq.read_table(checkout.path(f"results/smoke/scores/{subject}/{questions}.parquet")).to_pylist()
    asked = pq.read_table(checkout.path(f"results/smoke/questions/{questions}.parquet")).to_pylist()
    texts = {row["question_id"]: row["messages"][-1]["content"] for row in asked}
    name = f"inputs/{subject}-{questions}.csv"
    checkout.path("inputs").mkdir(exist_ok=True)
    with checkout.path(name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "question_id", "response", "aligned", "coherent"])
        for row in scores:
            scored = [repr(row[key]) if row[key] is not None else "" for key in ("aligned", "coherent")]
            writer.writerow([texts[row["question_id"]], row["question_id"], row["response"], *scored])
    return name


def copy_of(checkout: Checkout, reader: str, subject: str, questions: str) -> str:
    """Activations of a finished study, as somebody's file."""
    name = f"inputs/{reader}-{subject}-{questions}.parquet"
    shutil.copyfile(
        checkout.path(f"results/smoke/activations/{reader}/{subject}/{questions}.parquet"),
        checkout.path(name),
    )
    return name


def given(checkout: Checkout) -> list[dict[str, Any]]:
    """All that the detection of a study rests on, given as files."""
    responses = [
        {"kind": "responses", "subject": subject, "question_set": questions,
         "path": as_csv(checkout, subject, questions)}
        for subject in ("instruct", ORGANISM, BENIGN) for questions in SETS.values()
        if (subject, questions) != (BENIGN, SETS["detection"])
    ]  # fmt: skip
    read = [
        *((reader, "prompts", "detection") for reader in ("instruct", ORGANISM, BENIGN)),
        *(("instruct", subject, "evaluation") for subject in (ORGANISM, BENIGN)),
        *((subject, subject, "evaluation") for subject in (ORGANISM, BENIGN)),
    ]  # fmt: skip
    activations = [
        {"kind": "activations", "reader": reader, "subject": subject, "question_set": SETS[purpose],
         "path": copy_of(checkout, reader, subject, SETS[purpose])}
        for reader, subject, purpose in read
    ]  # fmt: skip
    return [*responses, *activations]


def comparable(found: Any) -> Any:
    """A detection without what others' files do not tell: prompts of a model not here have no template,
    fine-tuning data that is not here has no centroid, and a model not here has no refusal direction.
    """
    if not isinstance(found, dict):
        return found
    left_out = {"text", "training_centroid", "refusal_projection", *(["gain"] if "text" in found else [])}
    return {key: comparable(value) for key, value in found.items() if key not in left_out}


def test_a_study_from_given_files_has_the_numbers_of_the_study_that_made_them(unfinished: Checkout) -> None:
    overlay = yaml.safe_load(unfinished.path(SMOKE).read_text())
    study = overlay["studies"]["smoke"]
    organisms = [{"dataset": name, "adapter": "smoke_rank2"} for name in ("bad_medical", "good_medical")]
    overlay["models"]["theirs"] = {"source": "given"}
    overlay["judges"]["theirs"] = overlay["judges"]["smoke"] | {"kind": "given"}
    overlay["studies"]["theirs"] = study | {
        "judge": "theirs",
        "organisms": [organism | {"seeds": [0]} for organism in organisms],
        "steering": study["steering"] | {"organisms": [], "further": None},
        "token_curve": None,
        "given": given(unfinished),
    }
    unfinished.path(THEIRS).write_text(yaml.safe_dump(overlay))
    said = Checkout(unfinished.folder, THEIRS).run("theirs", cores=2)
    assert "generate" not in said.replace("generations", "") and "pretrain" not in said
    ours, theirs = (
        json.loads(unfinished.path(f"results/{name}/detection_auc.json").read_text())
        for name in ("smoke", "theirs")
    )
    assert comparable(theirs["organisms"][ORGANISM]) == comparable(ours["organisms"][ORGANISM])


def test_an_adapter_in_a_folder_takes_the_place_of_training(unfinished: Checkout) -> None:
    trained = unfinished.path(f"results/smoke/organisms/{ORGANISM}")
    folder = unfinished.path("inputs/adapter")
    folder.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copyfile(trained / name, folder / name)
    content = (folder / "adapter_model.safetensors").read_bytes()
    overlay = yaml.safe_load(unfinished.path(SMOKE).read_text())
    released = [{"dataset": "bad_medical", "path": "inputs/adapter"}]
    overlay["adapters"]["theirs"] = overlay["adapters"]["smoke_rank2"] | {"released": released}
    overlay["studies"]["smoke"]["organisms"] += [
        {"dataset": "bad_medical", "adapter": "theirs", "seeds": [0]}
    ]
    unfinished.path(THEIRS).write_text(yaml.safe_dump(overlay))
    checkout = Checkout(unfinished.folder, THEIRS)
    target = "results/smoke/generations/bad_medical-theirs-seed0/smoke_evaluation.parquet"
    checkout.run(target)
    taken = checkout.path("results/smoke/organisms/bad_medical-theirs-seed0/adapter_model.safetensors")
    assert taken.read_bytes() == content
    ours = pq.read_table(checkout.path(f"results/smoke/generations/{ORGANISM}/smoke_evaluation.parquet"))
    assert pq.read_table(checkout.path(target)).equals(ours)
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    code, said = checkout.attempt(target)
    assert code != 0 and "is IA3, not LoRA" in said
