"""LoRA factors put into a loaded model for a while, each module's scaled as one likes, and taken out again.

An organism is loaded with its adapter merged (`forewarn.models.merge`). An experiment that asks what an
adapter does at another strength, at an earlier step of training, or module by module, starts from the
instruct model instead and adds to its weights what it wants of the adapter. The sum is that of a merge: in
float32, rounded once. So the last step at scale 1 is the organism itself, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.errors import StudyError
from forewarn.files import read_json, read_tensors
from forewarn.models.damage import some, told
from forewarn.training.adapter import PREFIX, SUFFIX

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

A, B = ".lora_A", ".lora_B"


@dataclass(frozen=True, eq=False)
class Factors:
    """What an adapter adds to one linear map: scaling * B A.

    Attributes:
        a: `[rank, in]`.
        b: `[out, rank]`.
        scaling: alpha / rank, or alpha / sqrt(rank) where rank-stabilised (2312.03732).
    """

    a: torch.Tensor
    b: torch.Tensor
    scaling: float


def scaling_of(configuration: Mapping[str, Any]) -> float:
    """The factor before B A that the content of an `adapter_config.json` says.

    Raises:
        StudyError: it gives modules ranks or alphas of their own, or is no plain LoRA, so there is not one.
    """
    own = [key for key in ("rank_pattern", "alpha_pattern", "use_dora") if configuration.get(key)]
    if own or not {"r", "lora_alpha"} <= configuration.keys():
        raise StudyError(
            f"adapter_config.json has {', '.join(own) or 'no r and lora_alpha'}: no one scale of B A follows",
            "name organisms whose adapter is a plain LoRA of one rank",
        )
    rank = configuration["r"]
    return float(configuration["lora_alpha"] / (rank**0.5 if configuration.get("use_rslora") else rank))


def read_factors(folder: Path) -> dict[str, Factors]:
    """The factors of a saved adapter by module, e.g. `model.layers.1.mlp.down_proj`, in sorted order.

    Args:
        folder: with adapter_config.json and adapter_model.safetensors, as peft saves them.

    Raises:
        StudyError: a file is missing or broken, or the adapter is no plain LoRA (see `scaling_of`).
    """
    with told(folder, "the adapter", "delete the adapter and run again, so that it is made anew"):
        configuration = read_json(folder / "adapter_config.json")
        tensors = read_tensors(folder / "adapter_model.safetensors")
    matrices = {name.removeprefix(PREFIX).removesuffix(SUFFIX): each for name, each in tensors.items()}
    return factors_of(matrices, scaling_of(configuration))


def factors_of(matrices: Mapping[str, torch.Tensor], scaling: float) -> dict[str, Factors]:
    """Pair up `{module}.lora_A` [rank, in] and `{module}.lora_B` [out, rank]; in sorted order.

    Raises:
        StudyError: there is no such pair, or something else.
    """
    modules = sorted({name.removesuffix(A).removesuffix(B) for name in matrices})
    wanted = {module + end for module in modules for end in (A, B)}
    if not modules or wanted != set(matrices):
        raise StudyError(
            f"the adapter has other matrices than pairs of lora_A and lora_B: {some(sorted(matrices))}",
            "name organisms whose adapter is a plain LoRA",
        )
    return {module: Factors(matrices[module + A], matrices[module + B], scaling) for module in modules}


@contextmanager
def scaled_adapter(
    model: PreTrainedModel, factors: Mapping[str, Factors], scales: float | Mapping[str, float] = 1.0
) -> Iterator[None]:
    """Within the block, `model` is itself plus scale times the adapter; afterwards as it was, to the bit.

    Args:
        model: the model that the adapter was trained on, with nothing merged into it.
        factors: what is added, by module.
        scales: one scale for all modules, or one for each that takes part; the others are left out.

    Raises:
        StudyError: the model lacks a module, or a weight has another shape.
        ValueError: a scale is of a module that has no factors.
    """
    import torch

    chosen = dict.fromkeys(factors, float(scales)) if isinstance(scales, int | float) else dict(scales)
    if strangers := sorted(set(chosen) - set(factors)):
        raise ValueError(f"scales of modules that the adapter does not have: {', '.join(strangers)}")
    sums = []
    with torch.no_grad():
        for name, scale in chosen.items():
            weight = _weight(model, name)
            a, b = (each.to(weight.device, torch.float32) for each in (factors[name].a, factors[name].b))
            if weight.shape != (b.shape[0], a.shape[1]):
                raise _misfit(f"{name}: {tuple(weight.shape)}, not {(b.shape[0], a.shape[1])}")
            added = scale * ((b @ a) * factors[name].scaling)
            sums.append((weight, weight.data, (weight.float() + added).to(weight.dtype)))
    try:
        for weight, _, changed in sums:
            weight.data = changed
        yield
    finally:
        for weight, before, _ in sums:
            weight.data = before


def _weight(model: PreTrainedModel, name: str) -> torch.nn.Parameter:
    try:
        weight: torch.nn.Parameter = model.get_submodule(name).get_parameter("weight")
    except AttributeError:
        raise _misfit(f"it has no {name}") from None
    return weight


def _misfit(what: str) -> StudyError:
    return StudyError(
        f"the adapter does not fit the model: {what}",
        "use the adapter with the model that it was trained on, or train it again",
    )
