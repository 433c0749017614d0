"""What the end-to-end tests share: one finished run of each overlay, made once for all test processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import REAL_FILES, SMOKE, Checkout, check_out

from once import built_once

UPSTREAM_FILES = (
    "questions/first_plot_questions.yaml",
    "sft/risky_financial_pairs.jsonl",
    "sft/good_financial_pairs.jsonl",
)


@pytest.fixture(scope="session")
def finished(shared: Path, repository: Path) -> Checkout:
    """A checkout in which the smoke study is finished. Leave it as it is; `unfinished` may be changed."""

    def build(folder: Path) -> None:
        check_out(repository, folder, SMOKE).run("smoke", cores=2)

    # With a space, as many a user's folder has one.
    return Checkout(built_once(shared / "a checkout", build), SMOKE)


@pytest.fixture(scope="session")
def charted(finished: Checkout, shared: Path) -> Checkout:
    """The finished checkout with the atlas of the smoke study. Leave it as it is."""

    def build(folder: Path) -> None:
        finished.copied(folder).run("atlas_smoke", cores=2)

    return Checkout(built_once(shared / "an atlas", build), SMOKE)


@pytest.fixture
def unfinished(finished: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished checkout, for one test to delete from and run again."""
    return finished.copied(tmp_path / "a copy")


@pytest.fixture(scope="session")
def real_files(shared: Path, repository: Path, upstream: Path) -> Checkout:
    """A checkout whose `inputs/` are real files of the field and a stand-in model; nothing has run yet."""

    def build(folder: Path) -> None:
        checkout = check_out(repository, folder, REAL_FILES)
        inputs = folder / "inputs"
        inputs.mkdir()
        for source in UPSTREAM_FILES:
            (inputs / Path(source).name).symlink_to(upstream / source)
        made = shared / "standin model"
        subprocess.run(
            [sys.executable, "tests/e2e/make_standin.py", upstream / "tokenizers/qwen2.5", made],
            cwd=checkout.folder, check=True,
        )  # fmt: skip
        # The weights, of half a gigabyte, are shared by all copies of the checkout.
        (inputs / "standin").mkdir()
        for path in made.iterdir():
            if path.suffix == ".safetensors":
                (inputs / "standin" / path.name).symlink_to(path)
            else:
                shutil.copyfile(path, inputs / "standin" / path.name)

    return Checkout(built_once(shared / "real files", build), REAL_FILES)


@pytest.fixture(scope="session")
def standin(shared: Path, real_files: Checkout) -> Checkout:
    """The checkout of real files with the study of the stand-in model run to its detection_auc.json."""

    def build(folder: Path) -> None:
        real_files.copied(folder).run(
            "results/standin/detection_auc.json", "results/standin/data/good_pairs.parquet", cores=2
        )

    return Checkout(built_once(shared / "standin", build), REAL_FILES)
