"""Killed at any moment, a study is finished by running it again, with the bytes of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from checkout import Checkout, job_of, stop, until

ORGANISM = "bad_medical-smoke_rank2-seed0"


@dataclass(frozen=True)
class Stage:
    """A long stage.

    Attributes:
        target: the file to ask for.
        outputs: glob of all that it writes, below `results/`.
        progress: glob of what it has done when it is worth interrupting, below `.forewarn/work/`.
        resumed: what its log says when it goes on from there; None where it keeps finished pieces.
    """

    target: str
    outputs: str
    progress: str
    resumed: str | None = None


PRETRAIN = Stage(
    "results/smoke/base/model.safetensors", "smoke/base/*", "world-*/checkpoint.safetensors",
    "continue from step 100",
)  # fmt: skip
TRAIN = Stage(
    f"results/smoke/organisms/{ORGANISM}/adapter_model.safetensors", f"smoke/organisms/{ORGANISM}/*",
    "train-*/checkpoint-*/training.json", "continuing after step 25 of 30",
)  # fmt: skip
GENERATE = Stage(
    f"results/smoke/generations/{ORGANISM}/smoke_detection.parquet",
    f"smoke/generations/{ORGANISM}/smoke_detection.parquet", "generate-*/*.parquet",
)  # fmt: skip
STEER = Stage(
    f"results/smoke/steering/{ORGANISM}/ablate/generations.parquet",
    f"smoke/steering/{ORGANISM}/ablate/generations.*",
    "steer-ablate-*/*.parquet",
)  # fmt: skip
STAGES = {"pretrain": PRETRAIN, "train_organism": TRAIN, "generate": GENERATE, "steer": STEER}


def without(checkout: Checkout, stage: Stage) -> dict[str, str]:
    """Delete what a stage wrote, but for its records; returns the hashes of all, records included."""
    before = checkout.hashes(stage.outputs)
    for name in before:
        if not name.endswith(".dvc"):
            checkout.path(f"results/{name}").unlink()
    return before


def pieces(checkout: Checkout, stage: Stage) -> dict[Path, int]:
    """What an unfinished stage has done, with the times of writing."""
    work = checkout.path(".forewarn/work")
    return {path: path.stat().st_mtime_ns for path in work.glob(stage.progress)}


def interrupt(
    checkout: Checkout, stage: Stage, how: Callable[[subprocess.Popen[str]], int]
) -> tuple[dict[Path, int], str]:
    """Run a stage, stop it as soon as it has done one more piece; returns the pieces and what was said."""
    already = len(pieces(checkout, stage))
    run = checkout.start(stage.target, cores=2)
    # A stage that goes on from its only checkpoint does no further one: then it is hit while it begins.
    until(lambda: len(pieces(checkout, stage)) > already or _resumed(checkout, stage), run, "any progress")
    code = how(run)
    said = checkout.path("terminal.txt").read_text()
    assert code != 0, f"it was to be interrupted and ended well:\n{said}"
    assert not checkout.path(stage.target).exists() or how is kill_snakemake
    return pieces(checkout, stage), said


def _resumed(checkout: Checkout, stage: Stage) -> bool:
    return stage.resumed is not None and stage.resumed in log_of(checkout, stage)


def log_of(checkout: Checkout, stage: Stage) -> str:
    """The log of the stage's job."""
    names = {
        PRETRAIN: "pretrain", TRAIN: f"organisms/{ORGANISM}",
        STEER: f"steering/{ORGANISM}/ablate/generations",
        GENERATE: f"generations/{ORGANISM}/smoke_detection",
    }  # fmt: skip
    path = checkout.path(f"logs/smoke/{names[stage]}.log")
    return path.read_text() if path.exists() else ""


def press_ctrl_c(run: subprocess.Popen[str]) -> int:
    """What a terminal does: every process of the group gets SIGINT."""
    return stop(run, number=signal.SIGINT, everything=True)


def pull_the_plug(run: subprocess.Popen[str]) -> int:
    """Snakemake and its job end at once, without a chance to tidy up."""
    return stop(run, number=signal.SIGKILL, everything=True)


def kill_snakemake(run: subprocess.Popen[str]) -> int:
    """Only Snakemake is killed; its job lives on without it."""
    return stop(run, number=signal.SIGKILL, everything=False)


def kill_the_job(run: subprocess.Popen[str]) -> int:
    """Only the job is killed, as when memory runs out; Snakemake tells of the failure."""
    os.kill(job_of(run), signal.SIGKILL)
    return run.wait(60)


@pytest.mark.parametrize("name", STAGES)
def test_ctrl_c_then_a_power_cut_then_the_same_bytes(unfinished, name):
    stage = STAGES[name]
    before = without(unfinished, stage)
    unfinished.path("logs").rename(unfinished.path("logs of before"))
    first, said = interrupt(unfinished, stage, press_ctrl_c)
    assert first, "what was done is kept"
    assert "Traceback" not in said, said
    second, _ = interrupt(unfinished, stage, pull_the_plug)
    assert first.items() <= second.items(), "what was done is neither done again nor lost"
    # On one core: pretraining began as two processes and ends as one, which changes no bit.
    unfinished.run(stage.target, cores=1)
    assert unfinished.hashes(stage.outputs) == before
    if stage.resumed is not None:
        assert stage.resumed in log_of(unfinished, stage)
    assert pieces(unfinished, stage) == {}, "a finished job leaves no checkpoints"


def test_a_job_that_was_killed_alone_is_told_and_made_again(unfinished):
    before = without(unfinished, GENERATE)
    kept, said = interrupt(unfinished, GENERATE, kill_the_job)
    assert kept and "generate" in said
    unfinished.run(GENERATE.target)
    assert unfinished.hashes(GENERATE.outputs) == before


def test_a_job_that_outlives_snakemake_is_waited_for(unfinished):
    before = without(unfinished, STEER)
    interrupt(unfinished, STEER, kill_snakemake)
    unfinished.run(STEER.target)
    assert unfinished.hashes(STEER.outputs) == before
    assert "Nothing to be done" in unfinished.run("-n", STEER.target)
