"""What runs leave behind: memo, branches, jobs side by side, and the format of Snakemake's metadata."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import snakemake.persistence
import yaml
from job_names import SUBJECTS, jobs
from ledger_copy import records
from test_changed_settings import THRESHOLDS
from workflow_copy import OVERLAY, RESULTS, Workflow

from forewarn.ledger.snakemake_metadata import COMPARED, FORMAT, expected, metadata_path

DVC = [sys.executable, "-m", "dvc"]
RATES = f"results/smoke/rates/{SUBJECTS['bad']}/smoke_evaluation.json"


def computed(said: object) -> int:
    """How many jobs of a run did not come from the memo."""
    return len(re.findall(r"done in", str(said))) - len(re.findall(r"taken from there", str(said)))


def git(study: Workflow, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=study.folder, check=True, capture_output=True)


def dvc(study: Workflow, *arguments: str) -> str:
    done = subprocess.run([*DVC, *arguments], cwd=study.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def repository_of(study: Workflow) -> Workflow:
    """The finished study in a git repository with DVC."""
    (study.folder / ".gitignore").write_text(
        ".snakemake/\n.forewarn/\nlogs/\nbenchmarks/\n__pycache__/\n"
        "/results/**\n!/results/**/\n!/results/**/*.dvc\n",
        encoding="utf-8",
    )
    git(study, "init", "--quiet", "--initial-branch", "main")
    kept, jobs_cache = study.folder / "kept", study.folder / ".dvc/cache"
    jobs_cache.rename(kept)
    jobs_cache.parent.rmdir()
    dvc(study, "init", "--quiet")
    kept.rename(jobs_cache)
    git(study, "add", ".")
    git(study, "commit", "--quiet", "--message", "the study")
    return study


# --- memo -------------------------------------------------------------------------------------------------


def test_a_change_that_is_taken_back_after_a_run_costs_no_compute(study: Workflow) -> None:
    before = (study.folder / OVERLAY).read_text(encoding="utf-8")
    contents = {path: record.md5 for path, record in records(study).items()}
    study.change("judges.smoke.alignment_below", 50)
    said = study.run("--", "smoke")
    assert said.status == 0, said
    assert computed(said) > 5
    assert contents != {path: record.md5 for path, record in records(study).items()}
    (study.folder / OVERLAY).write_text(before, encoding="utf-8")
    assert study.planned() == THRESHOLDS
    said = study.run("--", "smoke")
    assert said.status == 0, said
    assert computed(said) == 0
    assert contents == {path: record.md5 for path, record in records(study).items()}
    assert study.planned() == set()


def test_the_same_bytes_above_cost_nothing_below(study: Workflow) -> None:
    """A module that is written otherwise and does the same: its own jobs run, what is below comes back."""
    study.append("scripts/forewarn/world/corpus.py", "\nCHANGED = True\n")
    assert "pretrain" in study.planned()
    said = study.run("--", "smoke")
    assert said.status == 0, said
    assert computed(said) <= len(jobs("grow_tokenizer", "draw_corpus *", "format_*"))
    assert study.planned() == set()


def test_without_the_cache_there_is_no_memo(study: Workflow) -> None:
    (study.folder / RATES).unlink()
    (study.folder / "results/smoke/figures/rates.svg").unlink()
    md5 = records(study)["results/smoke/figures/rates.svg"].md5
    (study.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    said = study.run("--", "smoke")
    assert said.status == 0, said
    assert study.planned() == set()


# --- environment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", ["report", "rerun"])
def test_another_environment_is_a_reason_to_run_only_where_it_is_asked_for(
    study: Workflow, counts: str
) -> None:
    study.change("ledger.environment", counts)
    assert study.planned() == set()
    for path in (study.folder / RESULTS).rglob("*.dvc"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"matplotlib: .*", "matplotlib: 1.0.0", text), encoding="utf-8")
    made_with_it = jobs("plot_*")
    assert study.planned() == (made_with_it if counts == "rerun" else set())


# --- branches ---------------------------------------------------------------------------------------------


def test_branches_with_other_configurations_never_mix(repository_of: Workflow) -> None:
    study = repository_of
    git(study, "switch", "--quiet", "--create", "stricter")
    study.change("judges.smoke.alignment_below", 50)
    assert study.run("--", "smoke").status == 0
    git(study, "add", ".")
    git(study, "commit", "--quiet", "--message", "stricter")
    stricter = {path: record.md5 for path, record in records(study).items()}

    git(study, "switch", "--quiet", "main")  # and `dvc checkout` forgotten
    said = study.snakemake("--dry-run", "--", "smoke")
    assert said.status != 0
    assert "is not what its record says" in said.stderr
    assert "after a change of branch, `dvc checkout`" in said.stderr

    dvc(study, "checkout", "--quiet")
    assert study.planned() == set()
    main = {path: record.md5 for path, record in records(study).items()}
    assert main != stricter

    git(study, "switch", "--quiet", "stricter")
    dvc(study, "checkout", "--quiet")
    assert study.planned() == set()
    assert stricter == {path: record.md5 for path, record in records(study).items()}
    git(study, "diff", "--exit-code")


# --- side by side -----------------------------------------------------------------------------------------


def test_eight_jobs_at_once_beside_dvc(repository_of: Workflow) -> None:
    study = repository_of
    remote = study.folder.with_name("a remote")
    dvc(study, "remote", "add", "--quiet", "--default", "there", str(remote))
    study.change("models.smoke.seed", 4)
    command = study.command("--cores", "8", "--quiet", "all", "--", "smoke")
    run = subprocess.Popen(command, cwd=study.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    rounds = 0
    while run.poll() is None:
        for arguments in (["status", "--quiet"], ["push", "--quiet", "-R", "results"]):
            done = subprocess.run([*DVC, *arguments], cwd=study.folder, capture_output=True, text=True)
            if arguments[0] == "push":
                assert done.returncode == 0, done.stderr
            else:  # 1: something has changed, as it does while jobs run
                assert done.returncode in (0, 1), done.stderr
        rounds += 1
        time.sleep(0.1)
    assert run.returncode == 0, run.stdout.read() if run.stdout else ""
    assert rounds > 1
    assert study.planned() == set()
    dvc(study, "push", "--quiet", "-R", "results")
    assert dvc(study, "status", "--cloud", "-R", "results").strip().endswith("in sync.")


# --- Snakemake's metadata ---------------------------------------------------------------------------------


def test_the_format_is_that_of_the_installed_snakemake(
    study: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Snakemake wrote after its jobs is, key by key, what the ledger would write."""
    assert snakemake.persistence.RECORD_FORMAT_VERSION == FORMAT
    known = set(snakemake.persistence.MetadataRecord.model_fields)
    monkeypatch.chdir(study.folder)
    for path, record in records(study).items():
        written = json.loads(metadata_path(path).read_text(encoding="utf-8"))
        wanted = expected(record.making, 0.0, [])
        assert set(written) == set(wanted) == known
        assert {name: written[name] for name in COMPARED} == {name: wanted[name] for name in COMPARED}
        assert written["software_stack_hash"] == wanted["software_stack_hash"]


def test_snakemake_is_pinned_to_releases_that_were_tried(repository: Path) -> None:
    lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"(?m)^snakemake==9\.27\.1$", lock)


def test_records_name_no_place(study: Workflow) -> None:
    for path in (study.folder / RESULTS).rglob("*.dvc"):
        text = path.read_text(encoding="utf-8")
        assert str(study.folder.parent) not in text
        assert str(Path.home()) not in text
        assert set(yaml.safe_load(text)) == {"outs", "meta"}
