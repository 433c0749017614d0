"""A sparse autoencoder in JumpReLU form, whether trained here or published by Gemma Scope.

Of an activation x, feature i is active where (x W_enc + b_enc)_i exceeds its threshold, and then has that
value; the reconstruction is f W_dec + b_dec (arXiv 2407.14435 and 2408.05147).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.files import replacing

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """The parameters, under the names in which Gemma Scope publishes them.

    Attributes:
        W_enc: float32 [d_model, features].
        b_enc: float32 [features].
        W_dec: float32 [features, d_model].
        b_dec: float32 [d_model].
        threshold: float32 [features], not negative.
    """

    W_enc: Floats
    b_enc: Floats
    W_dec: Floats
    b_dec: Floats
    threshold: Floats

    def encode(self, vectors: NDArray[Any]) -> Floats:
        """The activations of all features: float32 [n, features] of float [n, d_model]."""
        before = np.asarray(vectors, dtype=np.float32) @ self.W_enc + self.b_enc
        found: Floats = np.where(before > self.threshold, np.maximum(before, 0), np.float32(0))
        return found

    def decode(self, activations: Floats) -> Floats:
        """The reconstruction: float32 [n, d_model] of float32 [n, features]."""
        vectors: Floats = activations @ self.W_dec + self.b_dec
        return vectors

    def directions(self) -> NDArray[np.float64]:
        """Decoder rows of norm 1, float64 [features, d_model]; a row of zeros stays one."""
        rows = self.W_dec.astype(np.float64)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(norms > 0, norms, 1)


def write_autoencoder(path: Path, autoencoder: Autoencoder) -> None:
    """Write it as safetensors; equal contents give equal bytes."""
    from safetensors.numpy import save_file

    tensors = {field.name: getattr(autoencoder, field.name) for field in fields(Autoencoder)}
    contiguous = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    with replacing(path) as temporary:
        save_file(contiguous, temporary)


def read_autoencoder(path: Path, width: int | None = None) -> Autoencoder:
    """Read what `write_autoencoder` wrote.

    Args:
        path: safetensors.
        width: d_model that it must have; None for any.

    Raises:
        StudyError: it cannot be read, or is of another width.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise StudyError(
            f"{path} cannot be read as safetensors: {error}", "delete it and run again"
        ) from error
    return _checked(tensors, path, width)


def read_params(path: Path) -> Autoencoder:
    """Read `params.npz` as Gemma Scope publishes it (arrays W_enc, b_enc, W_dec, b_dec, threshold).

    Some files have `w_enc` and `w_dec`, and some a `scaling_factor`, which is 1.

    Raises:
        StudyError: it cannot be read without running code from it, lacks an array, scales its features, or
            the shapes do not fit.
    """
    way_out = "name a file `params.npz` of Gemma Scope: studies.….sparse_features.published.file"
    try:
        with path.open("rb") as opened:
            if opened.read(2) != b"PK":  # else np.load may give an array, or ask for pickles
                raise StudyError(f"{path} cannot be read as npz: it is no zip archive", way_out)
        with np.load(path, allow_pickle=False) as file:
            tensors = {f"W_{name[2:]}" if name[:2] == "w_" else name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StudyError(f"{path} cannot be read as npz: {error}", way_out) from error
    if not np.allclose(tensors.get("scaling_factor", 1.0), 1.0):
        raise StudyError(f"{path} has a scaling_factor beside its threshold, which is not applied", way_out)
    return _checked(tensors, path, None)


def _checked(tensors: dict[str, NDArray[Any]], path: Path, width: int | None) -> Autoencoder:
    names = [field.name for field in fields(Autoencoder)]
    if absent := [name for name in names if name not in tensors]:
        raise StudyError(
            f"{path} has no {', '.join(absent)}: it is no JumpReLU autoencoder",
            "name a file with W_enc, b_enc, W_dec, b_dec and threshold",
        )
    kept = {name: np.asarray(tensors[name], dtype=np.float32) for name in names}
    if kept["W_enc"].ndim != 2 or kept["W_dec"].shape != kept["W_enc"].shape[::-1]:
        raise StudyError(
            f"{path}: W_enc is {kept['W_enc'].shape} and W_dec {kept['W_dec'].shape}",
            "name a file whose W_dec is [features, d_model] and W_enc [d_model, features]",
        )
    d_model, features = kept["W_enc"].shape
    shapes = {"b_enc": (features,), "threshold": (features,), "b_dec": (d_model,)}
    if wrong := [name for name, shape in shapes.items() if kept[name].shape != shape]:
        raise StudyError(f"{path}: {', '.join(wrong)} do not fit W_enc", "fetch the file again")
    if not all(np.isfinite(values).all() for values in kept.values()):
        raise StudyError(f"{path} has values that are not finite", "fetch the file again")
    if width is not None and d_model != width:
        raise StudyError(
            f"{path} reads activations of width {d_model}, and the model's have {width}",
            "name an autoencoder of this model: studies.….sparse_features.published",
        )
    return Autoencoder(**kept)
