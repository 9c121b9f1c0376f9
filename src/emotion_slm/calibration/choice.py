"""Probabilities that mean what they say, by a map from logits that validation chooses.

A focal loss and oversampled training rows rank well and estimate badly. Which map from logit to
probability mends the estimate is decided by cross-validated likelihood: fitted and judged on the
same rows, the most flexible one, isotonic regression, always wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emotion_slm.calibration.maps import Blend, Isotonic, Platt, Temperature
from emotion_slm.common import folds as fold_assignment
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.seeds import child_seed

# The simplest first: it wins a tie.
METHODS = {"temperature": Temperature, "platt": Platt, "isotonic": Isotonic, "blend": Blend}

# Probabilities stay this far from 0 and 1: no validation set supports a finer claim, and one
# surprise must not make the likelihood infinite.
PROBABILITY_BOUND = 1e-6


@dataclass(frozen=True, eq=False)
class Calibration:
    """A method of METHODS by name, and the map it fitted."""

    method: str
    mapping: Temperature | Platt | Isotonic | Blend

    @classmethod
    def fit(cls, method: str, logits: np.ndarray, gold: np.ndarray) -> "Calibration":
        """Fit on (n, labels) raw logits and gold."""
        return cls(method, METHODS[method].fit(logits, gold))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities in [1e-6, 1 − 1e-6].

        Non-decreasing in the logit within each label.
        """
        return np.clip(self.mapping.apply(logits), PROBABILITY_BOUND, 1 - PROBABILITY_BOUND)

    def to_dict(self, labels: Sequence[str]) -> dict:
        """The content of calibration.json; `labels` name the columns, here and when it is read."""
        return {"method": self.method, "parameters": self.mapping.to_dict(labels)}

    @classmethod
    def from_dict(
        cls, content: dict, labels: Sequence[str], source: str = "calibration.json"
    ) -> "Calibration":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it."""
        method = content.get("method")
        if not isinstance(method, str) or method not in METHODS:
            raise EmotionSlmError(
                f"{source}: unknown calibration method {shown(method)}; known: {', '.join(METHODS)}"
            )
        if "parameters" not in content:
            raise EmotionSlmError(f"{source}: 'parameters' is missing")
        return cls(method, METHODS[method].from_dict(content["parameters"], labels, source))


class Choice(NamedTuple):
    """The chosen calibration fitted on all rows, and what cross-validation gave.

    `fold`: (n,) int64 fold of each row. `cross_fitted`: (n, labels) float64, each row's
    probabilities by a calibration of the chosen method fitted on the other folds, as honest as
    those of unseen rows. `nll`: cross-validated negative log-likelihood by method.
    """

    calibration: Calibration
    fold: np.ndarray
    cross_fitted: np.ndarray
    nll: dict[str, float]


def choose(
    logits: np.ndarray,
    gold: np.ndarray,
    folds: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> Choice:
    """The method with the smallest cross-validated NLL on validation's (n, labels) logits and gold.

    `groups` keeps rows with the same text in one fold. A tie at six decimals goes to the simpler
    method.
    """
    fold = fold_assignment.assign(
        gold, logits, folds, child_seed(seed, "calibration folds"), groups
    )
    candidates = cross_fitted(list(METHODS), logits, gold, fold)
    nll = {
        method: round(negative_log_likelihood(gold, probabilities), DECIMALS)
        for method, probabilities in candidates.items()
    }
    method = min(nll, key=nll.__getitem__)
    return Choice(Calibration.fit(method, logits, gold), fold, candidates[method], nll)


def cross_fitted(
    methods: Sequence[str], logits: np.ndarray, gold: np.ndarray, fold: np.ndarray
) -> dict[str, np.ndarray]:
    """(n, labels) probabilities by method, each fold's by a calibration fitted on the others."""
    probabilities = {method: np.empty(logits.shape) for method in methods}
    for held_out in np.unique(fold):
        inside = fold == held_out
        for method, fitted in _fit(methods, logits[~inside], gold[~inside]).items():
            probabilities[method][inside] = fitted.apply(logits[inside])
    return probabilities


def _fit(methods: Sequence[str], logits: np.ndarray, gold: np.ndarray) -> dict[str, Calibration]:
    """A calibration of each method; a blend after both that it averages is not fitted again."""
    fitted: dict[str, Calibration] = {}
    for method in methods:
        if method == "blend" and {"platt", "isotonic"} <= fitted.keys():
            blend = Blend(fitted["platt"].mapping, fitted["isotonic"].mapping)
            fitted[method] = Calibration(method, blend)
        else:
            fitted[method] = Calibration.fit(method, logits, gold)
    return fitted


def negative_log_likelihood(gold: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over all entries; probabilities strictly between 0 and 1."""
    return float(-np.mean(np.log(np.where(gold > 0, probabilities, 1 - probabilities))))
