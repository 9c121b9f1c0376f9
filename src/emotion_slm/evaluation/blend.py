"""Platt scaling and isotonic regression, averaged: the mean of their log-odds.

A logarithmic opinion pool (Genest and Zidek 1986): Platt's curve is too stiff where a label has
many positives, isotonic regression's steps are noise where it has few, and their errors differ.
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.isotonic import Isotonic
from emotion_slm.evaluation.platt import Platt

# Log-odds need probabilities inside 0 and 1; smoothed targets are never as near as this.
FLOOR = 1e-9


class Blend(NamedTuple):
    """The two maps that are averaged."""

    platt: Platt
    isotonic: Isotonic

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Blend":
        """Fit both on (n, 28) raw logits and gold."""
        return cls(Platt.fit(logits, gold), Isotonic.fit(logits, gold))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, 28) raw logits → (n, 28) float64 probabilities."""
        from scipy.special import expit, logit

        odds = [logit(np.clip(part.apply(logits), FLOOR, 1 - FLOOR)) for part in self]
        return expit(np.mean(odds, axis=0))

    def to_dict(self) -> dict[str, dict]:
        """The content of both, by name."""
        return {name: part.to_dict() for name, part in self._asdict().items()}

    @classmethod
    def from_dict(cls, content: dict, source: str) -> "Blend":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the part that is wrong."""
        for name in cls._fields:
            if not isinstance(content, dict) or not isinstance(content.get(name), dict):
                raise EmotionSlmError(f"{source}: expected an object {name!r}")
        return cls(
            Platt.from_dict(content["platt"], f"{source}: platt"),
            Isotonic.from_dict(content["isotonic"], f"{source}: isotonic"),
        )
