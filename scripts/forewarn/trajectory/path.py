"""The shape of a path through parameter space: where it turns, how far it moves, what its plane explains.

All of it follows from the inner products of the path's points, so that a path of millions of parameters is
held as a small matrix, and the paths of several modules together are the sum of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forewarn.trajectory.read import Floats


@dataclass(frozen=True)
class Turning:
    """How sharply a path turns at each of its points, seen over some distance.

    Attributes:
        cosine: float64 [steps], cos(B[t-k] - B[t], B[t+k] - B[t]): -1 on a straight path, 0 at a turn by a
            right angle, 1 at a reversal; NaN where the path has no such neighbours or does not move.
        move: float64 [steps], the larger of the two displacements' norms; NaN likewise.
    """

    cosine: Floats
    move: Floats

    def masked(self, least: float) -> Floats:
        """`cosine`, NaN where the larger displacement is not above `least` (2506.11613: 0.0035)."""
        return np.where(np.nan_to_num(self.move) > least, self.cosine, np.nan)


def inner_products(points: Floats) -> Floats:
    """Inner products of a path's points: float64 [steps, steps], of points [steps, ...]."""
    flat = points.reshape(len(points), -1)
    return flat @ flat.T


def local_cosine(gram: Floats, lag: int, margin: int | None = None) -> Turning:
    """The local cosine of 2506.11613 (section 4.2) at each point of a path.

    Args:
        gram: inner products of its equally spaced points, float64 [steps, steps].
        lag: points between the compared ones.
        margin: points at each end that are left out, at least `lag`; the authors leave out the largest of
            their lags, so that all of them are read at the same steps.
    """
    count, margin = len(gram), max(lag, margin or lag)
    cosine, move = np.full(count, np.nan), np.full(count, np.nan)
    here = np.arange(margin, count - margin)
    if not len(here):
        return Turning(cosine, move)
    before, after, square = here - lag, here + lag, np.diag(gram)
    inner = gram[before, after] - gram[before, here] - gram[here, after] + square[here]
    back, on = (
        np.sqrt(np.maximum(square[other] + square[here] - 2 * gram[other, here], 0))
        for other in (before, after)
    )
    size = back * on
    moved = size > 1e-12 * max(float(square.max()), 1e-300)
    cosine[here[moved]] = np.clip(inner[moved] / size[moved], -1, 1)
    move[here] = np.maximum(back, on)
    return Turning(cosine, move)


def prominence(values: Floats) -> Floats:
    """How far each point stands above the lower ground on both of its sides; NaN where it is not defined.

    It is the point's value minus the larger of the two least values, before and after it. The ends of a
    curve that rises or falls towards them have none, however high they are.
    """
    found = np.full(len(values), np.nan)
    defined = np.flatnonzero(~np.isnan(values))
    if len(defined) < 3:
        return found
    inside = values[defined]
    before, after = np.minimum.accumulate(inside)[:-2], np.minimum.accumulate(inside[::-1])[::-1][2:]
    found[defined[1:-1]] = inside[1:-1] - np.maximum(before, after)
    return found


@dataclass(frozen=True)
class Plane:
    """The principal components of a path's points.

    Attributes:
        explained: float64 [components], shares of the variance over steps, descending.
        scores: float64 [steps, components]; signs such that the last step is on the positive side.
    """

    explained: Floats
    scores: Floats


def principal_components(gram: Floats, count: int = 5) -> Plane:
    """PCA of a path's points, centred over steps; fewer components where there are fewer points."""
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
    values, vectors = np.linalg.eigh((centred + centred.T) / 2)
    order = np.argsort(values)[::-1][: min(count, len(gram) - 1)]
    kept, total = np.maximum(values[order], 0), max(float(np.maximum(values, 0).sum()), 1e-300)
    scores = vectors[:, order] * np.sqrt(kept)
    return Plane(kept / total, scores * np.where(scores[-1] < 0, -1, 1))


def furthest_from_chord(values: Floats) -> int:
    """Where a course is furthest from the straight line between its ends: the turning point of PC2."""
    line = np.linspace(values[0], values[-1], len(values))
    return int(np.argmax(np.abs(values - line)))


def random_walk(gram: Floats) -> Floats:
    """Inner products that a walk with the same stride lengths, but unrelated directions, has on average.

    In many dimensions it is close to that average; its first two components explain most of the variance
    as well, which is what those of a path are to be held against.
    """
    square = np.diag(gram)
    stride = np.maximum(square[1:] + square[:-1] - 2 * np.diag(gram, 1), 0)
    length = np.concatenate([[0.0], np.cumsum(stride)])
    walk: Floats = np.minimum(length[:, None], length[None, :])
    return walk


def matrix_scores(stacked: Floats) -> Floats:
    """How alike the matrices of stacked vectors are at each step and at the last, in 0 to 1.

    ||X_t^T X_T||_F / (||X_t||_F ||X_T||_F) with X_t the vectors of all modules at step t, each minus its mean
    over steps (the score that 2506.11613 gives adapters of several layers, as its released code has it).

    Args:
        stacked: B of rank 1, float64 [steps, modules, d_model].

    Returns:
        float64 [steps], 1 / sqrt(effective rank) at the last step; NaN where nothing moves.
    """
    centred = stacked - stacked.mean(axis=0)
    grams = centred @ centred.transpose(0, 2, 1)
    squares = np.einsum("tij,ij->t", grams, grams[-1])
    norms = np.sqrt(np.einsum("tii->t", grams))
    size = norms * norms[-1]
    scores: Floats = np.divide(
        np.sqrt(np.maximum(squares, 0)), size, out=np.full(len(size), np.nan), where=size > 0
    )
    return scores
