"""One steering experiment from files to the responses of all its arms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.steering.arms import BASELINE, Arm, ablation_arms, addition_arms
from forewarn.steering.experiment import run_arms
from forewarn.steering.inputs import choose_questions, random_directions, read_direction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def steer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    questions: Path,
    directions: Path,
    activations: Path,
    settings: dict[str, Any],
    folder: Path,
) -> pa.Table:
    """Run all arms of one operation; only the baseline where there is no direction to steer with.

    Args:
        model: the instruct model for `add`, the organism for `ablate`.
        tokenizer: its tokenizer.
        questions: question parquet.
        directions: directions of the organism (safetensors).
        activations: of the instruct model (parquet).
        settings: `operation` (`add` or `ablate`); `steering` (`direction`, `layer`, `coefficients`,
            `random_isotropic`, `random_covariance`, `questions_per_category`, `seed`); `sampling`
            (`max_new_tokens`, `batch_rows`).
        folder: where finished arms are kept.

    Returns:
        The responses of all arms, see `forewarn.steering.responses.GENERATED`.

    Raises:
        StudyError: an input cannot be used.
    """
    steering, sampling = settings["steering"], settings["sampling"]
    asked = choose_questions(questions, steering["questions_per_category"], steering["seed"])
    direction = read_direction(directions, steering["direction"], steering["layer"])
    arms = [BASELINE] if direction is None else _arms(direction, activations, settings)
    return run_arms(
        arms, model, tokenizer, asked, max_new_tokens=sampling["max_new_tokens"],
        batch_rows=sampling["batch_rows"], seed=steering["seed"], folder=folder,
    )  # fmt: skip


def _arms(direction: NDArray[np.float32], activations: Path, settings: dict[str, Any]) -> list[Arm]:
    steering = settings["steering"]
    layer = steering["layer"]
    randoms = random_directions(
        activations, layer, len(direction),
        n_isotropic=steering["random_isotropic"], n_covariance=steering["random_covariance"],
        seed=steering["seed"],
    )  # fmt: skip
    build = {"add": addition_arms, "ablate": ablation_arms}[settings["operation"]]
    return build(direction, layer, steering["coefficients"], randoms)
