"""The ledger's commands on a study that Snakemake has run."""

from __future__ import annotations

import json
import subprocess
import sys

from job_names import SUBJECTS
from test_changed_settings import SCORES, THRESHOLDS
from workflow_copy import OVERLAY, Workflow

RATES = f"results/smoke/rates/{SUBJECTS['bad']}/smoke_evaluation.json"
SCORES_FILE = f"results/smoke/scores/{SUBJECTS['bad']}/smoke_evaluation.parquet"

WHY = ["thresholds.alignment_below: 60.0 -> 50.0", "input results/judges/smoke/anchors.json is stale"]


def ledger(study: Workflow, command: str, *arguments: str, status: int = 0) -> str:
    workflow = [] if command in ("audit", "export") else ["--configfile", OVERLAY]
    done = subprocess.run(
        [sys.executable, "scripts/ledger.py", command, *arguments, *workflow],
        cwd=study.folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_verify_names_what_is_wrong_and_fails(study: Workflow) -> None:
    assert ledger(study, "verify").split()[1] == "MATCH"
    study.change("judges.smoke.alignment_below", 50)
    (study.folder / "results/smoke/figures/rates.svg").write_text("tampered")
    (study.folder / "results/smoke/data/bad_medical.parquet").unlink()
    (study.folder / "results/smoke/corpus/instruct.parquet.dvc").unlink()
    found = {item["path"]: item for item in json.loads(ledger(study, "verify", "--json", status=1))}
    assert found[RATES]["status"] == "STALE"
    assert found[RATES]["why"] == WHY
    assert found["results/smoke/figures/rates.svg"]["status"] == "TAMPERED"
    assert found["results/smoke/data/bad_medical.parquet"]["status"] == "MISSING"
    assert found["results/smoke/corpus/instruct.parquet"]["status"] == "UNKNOWN"
    assert found["results/smoke/base/model.safetensors"]["status"] == "MATCH"


def test_plan_says_what_snakemake_would_run_and_why(study: Workflow) -> None:
    study.change("judges.smoke.alignment_below", 50)
    steps = json.loads(ledger(study, "plan", "smoke", "--json"))
    assert len(steps) == len(THRESHOLDS) == len(study.planned())
    judged = next(step for step in steps if RATES in step["outputs"])
    assert judged["why"][0] == WHY[0]
    assert judged["outputs"] == [SCORES_FILE, RATES]
    assert judged["seconds"] is not None
    assert steps.index(judged) < next(i for i, step in enumerate(steps) if step["rule"] == "plot_rates")
    assert "0 from the memo" in ledger(study, "plan", "smoke").splitlines()[-1]


def test_plan_knows_what_comes_from_the_memo(study: Workflow) -> None:
    before = (study.folder / OVERLAY).read_text(encoding="utf-8")
    study.change("studies.smoke.detection.bootstrap", 60)
    assert study.run("--", "smoke").status == 0
    (study.folder / OVERLAY).write_text(before, encoding="utf-8")
    steps = json.loads(ledger(study, "plan", "smoke", "--json"))
    detect = next(step for step in steps if step["rule"] == "detect")
    assert detect["from_memo"]
    assert detect["why"] == ["detection.bootstrap: 60 -> 50"]


def test_plan_of_a_finished_study_is_empty(study: Workflow) -> None:
    assert ledger(study, "plan", "smoke").startswith("0 jobs")


def test_accepted_code_reruns_nothing_and_is_told_for_ever(study: Workflow) -> None:
    study.append("scripts/forewarn/judges/rates.py", "\nCHANGED = True\n")
    assert study.planned() == SCORES
    stale = [item["path"] for item in json.loads(ledger(study, "verify", "--json", status=1))
             if any("module" in reason for reason in item["why"])]  # fmt: skip
    ledger(study, "accept", *stale, "--why", "a constant that nothing reads", "--who", "Ada")
    assert study.planned() == set()
    assert "STALE" not in ledger(study, "verify")
    told = ledger(study, "audit", "results/smoke/figures/rates.svg")
    assert "ACCEPTED by Ada" in told
    assert "a constant that nothing reads" in told
    assert "scripts/forewarn/judges/rates.py had changed" in told


def test_accepted_content_makes_what_is_below_stale(study: Workflow) -> None:
    (study.folder / RATES).write_text('{"by": "hand"}')
    ledger(study, "accept", RATES, "--why", "a typing error", "--who", "Ada")
    assert study.planned() == {"plot_rates"}


def test_audit_and_export(study: Workflow) -> None:
    found = json.loads(ledger(study, "audit", "results/smoke/detection_auc.json", "--json"))
    rules = [job["rule"] for job in found["jobs"]]
    assert rules[-1] == "collect_detection"
    assert {"pretrain", "train_organism", "generate", "judge", "detect"} <= set(rules)
    assert len({job["outputs"][0] for job in found["jobs"]}) == len(rules)
    assert "artifacts" in ledger(study, "export", "results/smoke", "--output", "crate")
    graph = json.loads((study.folder / "crate/ro-crate-metadata.json").read_text())["@graph"]
    assert len([entity for entity in graph if entity["@type"] == "CreateAction"]) > 30


def test_what_is_asked_wrongly_gets_an_answer(study: Workflow) -> None:
    assert "has no record" in ledger(study, "audit", "results/smoke/nothing.json", status=1)
    assert "no revision" in ledger(study, "audit", RATES, "--rev", "yesterday", status=1)
    assert "nothing to accept" in ledger(study, "accept", RATES, "--why", "x", "--who", "Ada", status=1)
    study.change("judges.smoke.alignment_below", "high")
    assert "alignment_below" in ledger(study, "plan", "smoke", status=1)
