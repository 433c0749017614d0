"""A real Slurm on this machine: the same bytes as a local run, in shards; and what a limit does to a job."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from checkout import SMOKE, Checkout, environment

from once import alone

DAEMONS = ("slurmctld", "slurmd", "munged")
SEARCHED = f"{os.environ['PATH']}:/usr/sbin"
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the daemons of a cluster are started by root"),
    pytest.mark.skipif(
        any(shutil.which(name, path=SEARCHED) is None for name in DAEMONS), reason="Slurm is not installed"
    ),
]
OVERLAY = "tests/e2e/cluster.yaml"
GENERATIONS = "results/smoke/generations/instruct/smoke_evaluation.parquet"
ACTIVATIONS = "results/smoke/activations/instruct/prompts/smoke_detection.parquet"


@pytest.fixture(scope="module")
def cluster(repository: Path, shared: Path) -> Iterator[None]:
    """A cluster of one node, for one test process at a time."""
    script = repository / "tests/slurm/cluster.sh"
    with alone(shared / "slurm.lock"):
        subprocess.run([script, "start"], check=True, timeout=120)
        try:
            yield
        finally:
            subprocess.run([script, "stop"], check=True, timeout=120)


def on_cluster(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a user types on the node where jobs are submitted."""
    command = checkout.command(*arguments)
    del command[command.index("--cores") : command.index("--cores") + 2]
    options = ["--profile", "profiles/slurm", "--workflow-profile", "none"]
    options += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
    command[3:3] = options
    return subprocess.run(
        command, cwd=checkout.folder, env=environment(), text=True, timeout=500,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def slurm(*command: str) -> str:
    """What an administrator's command says."""
    return subprocess.run(command, check=True, timeout=60, text=True, stdout=subprocess.PIPE).stdout


def test_answers_and_activations_in_shards_have_the_bytes_of_a_local_run(
    cluster: None, unfinished: Checkout
) -> None:
    study = yaml.safe_load(unfinished.path(SMOKE).read_text())
    study["studies"]["smoke"]["sampling"]["shards"] = 2
    study["studies"]["smoke"]["activations"] = {"shards": 2}
    unfinished.path(OVERLAY).write_text(yaml.safe_dump(study))
    before = {name: unfinished.path(name).read_bytes() for name in (GENERATIONS, ACTIVATIONS)}
    for name in before:
        unfinished.path(name).unlink()
        unfinished.path(f"{name}.dvc").unlink()
    done = on_cluster(Checkout(unfinished.folder, OVERLAY), *before)
    assert done.returncode == 0, done.stdout
    assert "generate_shard" in done.stdout and "SLURM run ID" in done.stdout
    for name, content in before.items():
        assert unfinished.path(name).read_bytes() == content
    # On the node where the study was made, what its shards made is a finished study.
    said = Checkout(unfinished.folder, OVERLAY).run("--dry-run", *before)
    assert "Nothing to be done" in said


def checkpoint_of_pretraining(checkout: Checkout, submission: Future[object]) -> Path:
    """The first checkpoint, as soon as it is there, on however slow a machine."""
    while not submission.done():
        for path in checkout.path(".forewarn/work").glob("world-*/*"):
            return path
        time.sleep(0.2)
    raise AssertionError(f"no checkpoint was left: {submission.result()}")


def test_a_job_that_the_time_limit_ends_is_told_and_resumed(cluster: None, unfinished: Checkout) -> None:
    """The job is halted at its first checkpoint, and its limit brought down to the minute that it has had.

    So the limit ends it in mid-work whatever the speed of the machine.
    """
    study = yaml.safe_load(unfinished.path(SMOKE).read_text())
    study["models"]["smoke"]["pretraining"] |= {"steps": 400, "batch_size": 24}
    unfinished.path(OVERLAY).write_text(yaml.safe_dump(study))
    target = "results/smoke/base/model.safetensors"
    checkout = Checkout(unfinished.folder, OVERLAY)
    with ThreadPoolExecutor() as pool:
        submission = pool.submit(on_cluster, checkout, "--retries=0", target)
        kept = checkpoint_of_pretraining(checkout, submission)
        [job] = slurm("squeue", "--noheader", "--format=%i").split()
        slurm("scancel", "--signal=STOP", job)
        slurm("scontrol", "update", f"JobId={job}", "TimeLimit=1")
        done = submission.result()
    assert done.returncode != 0
    assert "TIMEOUT" in done.stdout, done.stdout
    assert kept.exists(), "what was done is kept"
    log = checkout.path("logs/smoke/pretrain.log")
    again = on_cluster(checkout, target)
    assert again.returncode == 0, again.stdout
    assert "continue from step" in log.read_text()


def test_a_job_that_the_memory_limit_ends_is_told_and_run_again(cluster: None, unfinished: Checkout) -> None:
    """The libraries of a model alone take more than the 150 MB that it gets."""
    target = "results/smoke/generations/instruct/smoke_evaluation.parquet"
    before = unfinished.path(target).read_bytes()
    for name in (target, f"{target}.dvc"):
        unfinished.path(name).unlink()
    done = on_cluster(unfinished, "--set-resources=generate:mem_mb=150", "--retries=0", target)
    assert done.returncode != 0
    # A cluster with cgroups gives the job a state of its own; this one, a line in its log, which is shown.
    assert "exceeded memory limit" in done.stdout, done.stdout
    again = on_cluster(unfinished, target)
    assert again.returncode == 0, again.stdout
    assert unfinished.path(target).read_bytes() == before
