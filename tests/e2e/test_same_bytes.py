"""The same configuration on the same machine gives the same bytes, through the real rules."""

from __future__ import annotations

import shutil

ORGANISM = "bad_medical-smoke_rank2-seed0"
CONTROL = "good_medical-smoke_rank2-seed0"

# One of each kind of job that computes; pretraining is made again in test_interrupts.py.
MADE_AGAIN = [
    f"results/smoke/organisms/{CONTROL}/adapter_model.safetensors",
    "results/smoke/generations/instruct/smoke_detection.parquet",
    "results/smoke/scores/instruct/smoke_detection.parquet",
    f"results/smoke/activations/{ORGANISM}/prompts/smoke_detection.parquet",
    f"results/smoke/directions/{ORGANISM}.safetensors",
    f"results/smoke/steering/{ORGANISM}/add.json",
    f"results/smoke/detection/{ORGANISM}/summary.json",
    "results/smoke/figures/rates.svg",
    "results/smoke/transcripts.html",
]


def test_what_is_deleted_and_made_again_is_the_same(unfinished):
    before = unfinished.hashes("**/*")
    for name in MADE_AGAIN:
        unfinished.path(name).unlink()
    shutil.rmtree(unfinished.path("logs"))
    said = unfinished.run(*MADE_AGAIN, cores=2)
    for name in MADE_AGAIN:
        assert unfinished.path(name).is_file()
    assert unfinished.path(f"logs/smoke/organisms/{CONTROL}.log").is_file(), f"it was trained again: {said}"
    assert unfinished.hashes("**/*") == before
    assert "Nothing to be done" in unfinished.run("-n", "smoke"), "same contents, so nothing follows from it"
