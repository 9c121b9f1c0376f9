"""Temperature scaling: σ(logit / T), one T for all labels.

Source: Guo et al. 2017, its binary form. It sharpens or flattens and cannot move a label's base
rate.
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.errors import EmotionSlmError

# Separable logits would drive T to 0, logits without a trend to infinity.
COLDEST, HOTTEST = 0.01, 100.0


class Temperature(NamedTuple):
    """A temperature, positive."""

    temperature: float

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Temperature":
        """The T in [0.01, 100] of the smallest NLL over all entries of (n, 28) logits and gold."""
        from scipy.optimize import brentq
        from scipy.special import expit

        scores = logits.astype(np.float64)

        def slope_of_nll(inverse: float) -> float:
            # The NLL is convex in 1 / T.
            return float(np.mean(scores * (expit(scores * inverse) - gold)))

        low, high = 1 / HOTTEST, 1 / COLDEST
        if slope_of_nll(low) >= 0:
            return cls(HOTTEST)
        if slope_of_nll(high) <= 0:
            return cls(COLDEST)
        return cls(1 / float(brentq(slope_of_nll, low, high)))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, 28) raw logits → (n, 28) float64 probabilities."""
        from scipy.special import expit

        return expit(logits.astype(np.float64) / self.temperature)

    def to_dict(self) -> dict[str, float]:
        return {"temperature": self.temperature}

    @classmethod
    def from_dict(cls, content: dict, source: str) -> "Temperature":
        """The reverse of `to_dict`; EmotionSlmError names `source`."""
        try:
            temperature = float(content["temperature"])
        except (KeyError, TypeError, ValueError) as error:
            raise EmotionSlmError(f"{source}: expected a number 'temperature'") from error
        if not 0 < temperature < np.inf:
            raise EmotionSlmError(f"{source}: temperature {temperature} is not positive and finite")
        return cls(temperature)
