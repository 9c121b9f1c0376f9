"""Maps from logits to probabilities where each row carries exactly one label, fitted on validation.

Source: Guo et al. 2017, temperature and vector scaling. Rows of probabilities sum to 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.calibration.maps import (
    COLDEST,
    MIN_SLOPE,
    Platt,
    Temperature,
    best_temperature,
)

STEEPEST = 1 / COLDEST
LEAST = 1e-300  # a probability, whose logarithm is still a number
# Of vector scaling: so many rows' worth of evidence that no label needs a slope or intercept of its
# own. A label with a handful of rows keeps to the others'.
PRIOR_ROWS = 10.0


def softmax(values: np.ndarray) -> np.ndarray:
    """(n, labels) float64 → rows that sum to 1; in numpy, as `maps.sigmoid`."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class SoftmaxTemperature(NamedTuple):
    """A temperature, positive."""

    temperature: float

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "SoftmaxTemperature":
        """The T in [0.01, 100] with the smallest mean NLL of (n, labels) logits and gold."""

        scores = logits.astype(np.float64)
        of_gold = (scores * gold).sum(axis=1)

        def slope_of_nll(inverse: float) -> float:
            expected = (softmax(scores * inverse) * scores).sum(axis=1)
            return float(np.mean(expected - of_gold))

        return cls(best_temperature(slope_of_nll))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities."""
        return softmax(logits.astype(np.float64) / self.temperature)

    def to_dict(self, labels: Sequence[str]) -> dict[str, float]:
        return {"temperature": self.temperature}

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "SoftmaxTemperature":
        """The reverse of `to_dict`; EmotionSlmError names `source`."""
        return cls(*Temperature.from_dict(content, labels, source))


class Vector(NamedTuple):
    """Slope and intercept per label, each (labels,) float64 in label order; slopes are positive."""

    slope: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Vector":
        """The smallest NLL of (n, labels) logits and gold, drawn towards one temperature for all.

        The penalty of a slope's squared distance from the best temperature's, relative to it, and
        of an intercept's from 0 weighs as PRIOR_ROWS rows do.
        """
        from scipy.optimize import minimize

        scores, width = logits.astype(np.float64), logits.shape[1]
        common = 1 / SoftmaxTemperature.fit(logits, gold).temperature

        def penalised(flat: np.ndarray) -> tuple[float, np.ndarray]:
            factor, intercept = flat[:width], flat[width:]
            moved = scores * (common * factor) + intercept
            probabilities = softmax(moved)
            excess = probabilities - gold  # (n, labels)
            apart = np.concatenate([factor - 1, intercept])
            of_gold = np.maximum((probabilities * gold).sum(axis=1), LEAST)
            value = -np.log(of_gold).sum() + PRIOR_ROWS * (apart**2).sum()
            gradient = np.concatenate([(excess * scores * common).sum(0), excess.sum(0)])
            return value / len(gold), (gradient + 2 * PRIOR_ROWS * apart) / len(gold)

        start = np.concatenate([np.ones(width), np.zeros(width)])
        least, most = max(MIN_SLOPE, MIN_SLOPE / common), STEEPEST / common
        bounds = [(min(1.0, least), max(1.0, most))] * width + [(None, None)] * width
        options = {"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9}
        found = minimize(
            penalised, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        ).x
        return cls(common * found[:width], found[width:])

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities."""
        return softmax(logits.astype(np.float64) * self.slope + self.intercept)

    def to_dict(self, labels: Sequence[str]) -> dict[str, dict[str, float]]:
        """Slope and intercept by label name."""
        return Platt(self.slope, self.intercept).to_dict(labels)

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "Vector":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        return cls(*Platt.from_dict(content, labels, source))
