"""One job per GPU: never two on one, unless asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from forewarn.gpus import CLUSTER, SHARED, VISIBLE, held_gpu, visible_gpus

HOLD = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {scripts!r})
import forewarn.gpus as gpus
gpus.PAUSE = 0.02
with gpus.held_gpu(1, Path({folder!r})) as gpu:
    print(gpu, os.environ[gpus.VISIBLE], time.time(), flush=True)
    time.sleep(float(sys.argv[1]))
    print(time.time(), flush=True)
"""


@pytest.fixture(autouse=True)
def _two_gpus(monkeypatch):
    for name in (*CLUSTER, SHARED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(VISIBLE, "0,1")


@pytest.fixture
def job(tmp_path):
    """Start a job that holds a GPU for some seconds, as a process of its own."""
    code = HOLD.format(scripts=str(Path("scripts").absolute()), folder=str(tmp_path))
    running = []

    def start(seconds, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(seconds)],
            stdout=subprocess.PIPE, text=True, env=os.environ | environment,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def spans(processes):
    """GPU -> the spans of time in which it was held."""
    found = {}
    for process in processes:
        said = process.communicate(timeout=30)[0].split()
        assert said[0] == said[1], "the job sees its own GPU alone"
        found.setdefault(said[0], []).append((float(said[2]), float(said[3])))
    return found


def test_more_jobs_than_gpus_take_turns(job):
    found = spans([job(0.3) for _ in range(5)])
    assert set(found) == {"0", "1"}
    for held in found.values():
        held.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(held))


def test_two_share_a_gpu_if_asked(job):
    found = spans([job(1.0, **{SHARED: "2"}) for _ in range(4)])
    assert sorted(len(held) for held in found.values()) == [2, 2]
    for (start, end), (other_start, other_end) in found.values():
        assert max(start, other_start) < min(end, other_end)


def test_a_killed_job_lets_go(job):
    first, second = job(60), job(60)
    assert {first.stdout.readline().split()[0], second.stdout.readline().split()[0]} == {"0", "1"}
    third = job(0.0)
    time.sleep(0.3)
    assert third.poll() is None
    first.kill()
    assert third.wait(timeout=20) == 0


def test_without_a_gpu_or_on_a_cluster_nothing_is_held(tmp_path, monkeypatch):
    with held_gpu(0, tmp_path) as gpu:
        assert gpu is None
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with held_gpu(1, tmp_path) as gpu:
        assert gpu is None and os.environ[VISIBLE] == "0,1"
    monkeypatch.delenv("SLURM_JOB_ID")
    monkeypatch.setenv(VISIBLE, "")
    with held_gpu(1, tmp_path) as gpu:
        assert gpu is None


def test_what_is_visible_comes_back_and_is_asked_of_the_driver(tmp_path, monkeypatch):
    with held_gpu(1, tmp_path / "locks") as gpu:
        assert os.environ[VISIBLE] == gpu == "0"
    assert os.environ[VISIBLE] == "0,1"
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\nprintf 'GPU-aa\\nGPU-bb\\n'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv(VISIBLE)
    assert visible_gpus() == ["GPU-aa", "GPU-bb"]
    with held_gpu(1, tmp_path / "locks"):
        assert os.environ[VISIBLE] == "GPU-aa"
    assert VISIBLE not in os.environ
