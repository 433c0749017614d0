"""Paths of an adapter whose turn is known."""

from __future__ import annotations

import numpy as np

STEPS = tuple(range(0, 124, 4))
TURN = 60
WIDTH = 300


def path_of(directions, strides, noise=0.0, seed=0):
    """Points [steps, width] from unit directions [steps - 1, width] and stride lengths."""
    drawn = np.random.default_rng(seed).standard_normal((len(STEPS) - 1, WIDTH)) / np.sqrt(WIDTH)
    moves = np.asarray(strides)[:, None] * (directions + noise * drawn)
    return np.concatenate([np.zeros((1, WIDTH)), np.cumsum(moves, axis=0)])


def units(angles):
    """Unit vectors in a plane at these angles."""
    found = np.zeros((len(angles), WIDTH))
    found[:, 0], found[:, 1] = np.cos(angles), np.sin(angles)
    return found


def strides():
    """Warm-up, then a linear decay to nothing, as learning rates have it."""
    step = np.arange(1, len(STEPS))
    return np.minimum(step / 2, 1) * (1 - step / (len(STEPS) + 1))


def turned(angle, seed=0, noise=0.1):
    after = np.array(STEPS[:-1]) >= TURN
    return path_of(units(np.where(after, angle, 0.0)), strides(), noise, seed)
