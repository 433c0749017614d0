"""One steering experiment from files to the responses of all its arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.steering.arms import (
    BASELINE,
    Arm,
    RandomDirections,
    ablation_arms,
    addition_arms,
    block_arms,
    dose_arms,
    everywhere_arms,
    own_arm,
)
from forewarn.steering.experiment import run_arms
from forewarn.steering.inputs import choose_questions, random_directions, read_direction, read_layers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    Loaded = tuple[PreTrainedModel, PreTrainedTokenizerFast]


def steer(
    subjects: Mapping[str, Callable[[], Loaded]],
    questions: Path,
    directions: Path,
    activations: Path,
    settings: dict[str, Any],
    folder: Path,
    own: Mapping[str, Path] | None = None,
) -> pa.Table:
    """Run all arms of one operation; only the baseline where there is no direction to steer with.

    Args:
        subjects: name -> what loads the model and its tokenizer: the instruct model for `add` and
            `add_doses`, the organism for `ablate`, `subtract_doses` and `layers`, others for `transfer`. One
            is in memory at a time.
        questions: question parquet.
        directions: directions of the organism (safetensors).
        activations: of the instruct model (parquet).
        settings: `operation`; `steering`, see `forewarn.config.model.steering.Steering.arms`; `sampling`
            (`max_new_tokens`, `batch_rows`).
        folder: where finished arms are kept.
        own: subject -> its own directions (safetensors), for `transfer`.

    Returns:
        The responses of all arms, see `forewarn.steering.responses.GENERATED`.

    Raises:
        StudyError: an input cannot be used.
    """
    steering, sampling = settings["steering"], settings["sampling"]
    asked = choose_questions(questions, steering["questions_per_category"], steering["seed"])
    arms = arms_of(settings["operation"], steering, directions, activations)

    def answers(subject: str, load: Callable[[], Loaded]) -> pa.Table:
        model, tokenizer = load()
        mine = None if own is None else read_direction(own[subject], steering["direction"], steering["layer"])
        return run_arms(
            [*arms, *([] if mine is None else [own_arm(mine)])], model, tokenizer, asked, subject=subject,
            max_new_tokens=sampling["max_new_tokens"], batch_rows=sampling["batch_rows"],
            seed=steering["seed"], folder=folder,
        )  # fmt: skip

    return pa.concat_tables([answers(*subject) for subject in subjects.items()]).combine_chunks()


def arms_of(operation: str, steering: dict[str, Any], directions: Path, activations: Path) -> list[Arm]:
    """The arms of an operation; the baseline alone where there is no direction.

    Args:
        operation: see `forewarn.steering.arms`.
        steering: its settings, see `steer`.
        directions: directions of the organism (safetensors).
        activations: of the instruct model (parquet).
    """
    layer = steering["layer"]
    direction = read_direction(directions, steering["direction"], layer)
    if direction is None:
        return [BASELINE]

    def randoms(layer: int, like: NDArray[np.float32]) -> RandomDirections:
        return random_directions(
            activations, layer, len(like), n_isotropic=steering["random_isotropic"],
            n_covariance=steering["random_covariance"], seed=steering["seed"],
        )  # fmt: skip

    compared = randoms(layer, direction)
    match operation:
        case "add":
            return addition_arms(direction, layer, steering["coefficients"], compared)
        case "ablate":
            return ablation_arms(direction, layer, steering["coefficients"], compared)
        case "add_doses" | "subtract_doses":
            arms = [
                dose_arms(
                    "add" if operation == "add_doses" else "subtract",
                    direction, layer, steering["doses"], compared, positions,
                )
                for positions in steering["positions"]
            ]  # fmt: skip
        case "layers":
            own = read_layers(directions, steering["direction"], steering["layer_by_layer"])
            arms = [
                *(everywhere_arms(direction, compared, positions) for positions in steering["positions"]),
                *(
                    block_arms(vector, block, randoms(block, vector))
                    for block, vector in own.items()
                    if vector is not None
                ),
            ]
        case "transfer":
            arms = [everywhere_arms(direction, compared)]
        case _:
            raise ValueError(f"there is no operation {operation}")
    return [BASELINE, *(arm for group in arms for arm in group)]
