"""Studies with a known truth: prompts of varied propensity, and scores that know a part of it.

A prompt's propensity is drawn from a beta distribution, its misaligned responses from a binomial. A score is
the propensity's normal quantile, mixed with normal noise. That makes the AUROC of the score, and that of an
oracle, integrals that need no simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from forewarn.statistics.auroc import Floats
from forewarn.statistics.labels import Counts

_POINTS = 600
_HALVINGS = 30


@dataclass(frozen=True)
class Population:
    """The prompts that a study draws from.

    Attributes:
        prevalence: mean propensity, strictly between 0 and 1.
        spread: intraclass correlation of the responses to one prompt, strictly between 0 and 1: the variance
            of propensities over that of a single response. Near 0 all prompts are alike, near 1 each is
            always answered in the same way.
    """

    prevalence: float
    spread: float

    def __post_init__(self) -> None:
        """Refuse what no beta distribution has."""
        if not (0 < self.prevalence < 1 and 0 < self.spread < 1):
            raise ValueError(
                f"prevalence and spread lie between 0 and 1; found {self.prevalence} and {self.spread}"
            )

    def propensities(self, latent: NDArray[Any]) -> Floats:
        """Propensity at each standard normal quantile: float64 of the same shape."""
        whole = 1 / self.spread - 1
        a, b = self.prevalence * whole, (1 - self.prevalence) * whole
        found: Floats = betaincinv(a, b, ndtr(np.asarray(latent, dtype=np.float64)))
        return found

    @cached_property
    def _pairs(self) -> tuple[Floats, Floats]:
        """How much further up a positive's prompt lies than a negative's, and the share of such pairs."""
        latent = ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
        chance = self.propensities(latent)
        weights = chance[:, None] * (1 - chance)
        return latent[:, None] - latent, weights / weights.sum()

    def auroc(self, weight: float) -> float:
        """True AUROC of a score that correlates with the latent propensity as `weight` says, 0 to 1."""
        ahead, share = self._pairs
        if weight >= 1:
            return float((share * (np.sign(ahead) + 1)).sum() / 2)
        return float((share * ndtr(weight * ahead / np.sqrt(2 * (1 - weight**2)))).sum())

    @property
    def ceiling(self) -> float:
        """True AUROC of an oracle that knows every propensity."""
        return self.auroc(1.0)

    def weight(self, auroc: float) -> float | None:
        """The weight that gives a score this AUROC; None above the ceiling.

        Raises:
            ValueError: the AUROC is below one half.
        """
        if auroc < 0.5:
            raise ValueError(f"a score of AUROC {auroc} has the wrong sign")
        if auroc > self.ceiling:
            return None
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.auroc(middle) < auroc else (low, middle)
        return high


@dataclass(frozen=True)
class Studies:
    """Many studies of one size.

    Attributes:
        latent: float64 [studies, prompts], normal quantile of each propensity.
        noise: float64 [2, studies, prompts], standard normal, independent.
        misaligned: int64 [studies, prompts].
        samples: responses per prompt.
    """

    latent: Floats
    noise: Floats
    misaligned: Counts
    samples: int

    @property
    def responses(self) -> Counts:
        """int64 [studies, prompts], all the same."""
        return np.full(self.misaligned.shape, self.samples)

    @property
    def others(self) -> Counts:
        """int64 [studies, prompts]."""
        return self.samples - self.misaligned

    def scores(self, weight: float, noise: Floats | None = None) -> Floats:
        """Scores that correlate with the latent propensity as `weight` says: float64 [studies, prompts]."""
        noise = self.noise[0] if noise is None else noise
        found: Floats = weight * self.latent + np.sqrt(1 - weight**2) * noise
        return found

    def correlated_noise(self, correlation: float) -> Floats:
        """Standard normal noise that correlates with the first one: float64 [studies, prompts]."""
        found: Floats = correlation * self.noise[0] + np.sqrt(1 - correlation**2) * self.noise[1]
        return found


def draw(population: Population, prompts: int, samples: int, studies: int, seed: Any) -> Studies:
    """Draw studies; `seed` is as of `numpy.random.default_rng`."""
    generator = np.random.default_rng(seed)
    latent = generator.standard_normal((studies, prompts))
    noise = generator.standard_normal((2, studies, prompts))
    misaligned = generator.binomial(samples, population.propensities(latent))
    return Studies(latent, noise, misaligned, samples)
