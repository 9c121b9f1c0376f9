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
from emotion_slm.calibration.softmax_maps import SoftmaxTemperature, Vector
from emotion_slm.common import folds as fold_assignment
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.seeds import child_seed

# The simplest first: it wins a tie. Those of any number of labels a row, and of exactly one.
METHODS = {"temperature": Temperature, "platt": Platt, "isotonic": Isotonic, "blend": Blend}
METHODS_OF_ONE = {"softmax_temperature": SoftmaxTemperature, "vector": Vector}

# Probabilities stay this far from 0 and 1: no validation set supports a finer claim, and one
# surprise must not make the likelihood infinite.
PROBABILITY_BOUND = 1e-6


@dataclass(frozen=True, eq=False)
class Calibration:
    """A method by name, and the map it fitted."""

    method: str
    mapping: Temperature | Platt | Isotonic | Blend | SoftmaxTemperature | Vector

    @classmethod
    def fit(cls, method: str, logits: np.ndarray, gold: np.ndarray) -> "Calibration":
        """Fit on (n, labels) raw logits and gold."""
        return cls(method, (METHODS | METHODS_OF_ONE)[method].fit(logits, gold))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities in [1e-6, 1 − 1e-6].

        Non-decreasing in the logit within each label; in a row of exactly one label they sum to 1.
        """
        return np.clip(self.mapping.apply(logits), PROBABILITY_BOUND, 1 - PROBABILITY_BOUND)

    def to_dict(self, labels: Sequence[str]) -> dict:
        """The content of calibration.json; `labels` name the columns, here and when it is read."""
        return {"method": self.method, "parameters": self.mapping.to_dict(labels)}

    @classmethod
    def from_dict(
        cls,
        content: dict,
        labels: Sequence[str],
        source: str = "calibration.json",
        single: bool = False,
    ) -> "Calibration":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it.

        `single`: of a model that gives exactly one label a row.
        """
        method, known = content.get("method"), METHODS_OF_ONE if single else METHODS
        if not isinstance(method, str) or method not in known:
            raise EmotionSlmError(
                f"{source}: unknown calibration method {shown(method)}; known: {', '.join(known)}"
            )
        if "parameters" not in content:
            raise EmotionSlmError(f"{source}: 'parameters' is missing")
        return cls(method, known[method].from_dict(content["parameters"], labels, source))


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
    single: bool = False,
) -> Choice:
    """The method with the smallest cross-validated NLL on validation's (n, labels) logits and gold.

    `groups` keeps rows with the same text in one fold; `single`: each row carries exactly one
    label. A tie at six decimals goes to the simpler method.
    """
    fold = fold_assignment.assign(
        gold, logits, folds, child_seed(seed, "calibration folds"), groups
    )
    likelihood = surprise if single else negative_log_likelihood
    candidates = cross_fitted(list(METHODS_OF_ONE if single else METHODS), logits, gold, fold)
    nll = {
        method: round(likelihood(gold, probabilities), DECIMALS)
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


def surprise(gold: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over the rows of −log of the probability of each one's label."""
    return float(-np.mean(np.log((probabilities * gold).sum(axis=1))))
