"""Platt scaling: σ(slope · logit + intercept), a slope and an intercept per label.

Sources: Platt 1999 for the model and its smoothed targets, Lin, Lin and Weng 2007 for why those
need no further regularisation.
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.label_keys import check_labels
from emotion_slm.labels import LABELS

# A label whose fitted slope is below this has no usable trend: its ranking would be flattened or,
# with a negative slope, turned round.
MIN_SLOPE = 0.01


class Platt(NamedTuple):
    """Slope and intercept per label, each (28,) float64 in label order; slopes are positive."""

    slope: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Platt":
        """Fit on (n, 28) raw logits and gold.

        A label without positives or without negatives keeps slope 1 and intercept 0. Where the
        fitted slope falls below MIN_SLOPE, or all logits are equal, the slope is 1 and only the
        intercept is fitted. So the ranking within a label never changes.
        """
        slope, intercept = np.ones(len(LABELS)), np.zeros(len(LABELS))
        for column in range(len(LABELS)):
            scores, positive = logits[:, column].astype(np.float64), gold[:, column] > 0
            if positive.any() and not positive.all():
                slope[column], intercept[column] = _fit_label(scores, positive)
        return cls(slope, intercept)

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, 28) raw logits → (n, 28) float64 probabilities; no overflow at any logit."""
        from scipy.special import expit

        return expit(logits * self.slope + self.intercept)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Slope and intercept by label name."""
        return {
            label: {"slope": float(self.slope[column]), "intercept": float(self.intercept[column])}
            for column, label in enumerate(LABELS)
        }

    @classmethod
    def from_dict(cls, content: dict, source: str) -> "Platt":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        check_labels(content, source)
        values = np.empty((len(LABELS), 2))
        for column, label in enumerate(LABELS):
            try:
                values[column] = [float(content[label][key]) for key in ("slope", "intercept")]
            except (KeyError, TypeError, ValueError) as error:
                raise EmotionSlmError(
                    f"{source}: {label}: expected numbers 'slope' and 'intercept'"
                ) from error
            if not np.isfinite(values[column]).all() or values[column, 0] <= 0:
                raise EmotionSlmError(
                    f"{source}: {label}: slope and intercept must be finite, the slope positive"
                )
        return cls(slope=values[:, 0], intercept=values[:, 1])


def smoothed_targets(positive: np.ndarray) -> np.ndarray:
    """Platt's targets for (n,) bool: just inside 0 and 1, closer the more rows there are.

    They keep the slope of a separable label finite, and are the probability of a positive after
    that many rows of one class under a uniform prior.
    """
    positives = positive.sum()
    negatives = len(positive) - positives
    return np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _fit_label(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    targets = smoothed_targets(positive)
    if np.ptp(scores) > 0:
        slope, intercept = _fit_slope(scores, targets)
        if slope >= MIN_SLOPE:
            return slope, intercept
    return 1.0, _fit_intercept(scores, targets)


def _fit_slope(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Unpenalised logistic regression; a soft target is a row counted in both classes."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = scores.mean(), scores.std()
    standardised = ((scores - centre) / scale)[:, None]
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(
        np.concatenate([standardised, standardised]),
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    slope = model.coef_[0, 0] / scale
    return float(slope), float(model.intercept_[0] - slope * centre)


def _fit_intercept(scores: np.ndarray, targets: np.ndarray) -> float:
    """The intercept at which the mean probability equals the mean target, the slope being 1."""
    from scipy.optimize import brentq
    from scipy.special import expit

    def excess(intercept: float) -> float:
        return float(expit(scores + intercept).sum() - targets.sum())

    reach = 40.0  # σ(−40) is below any smoothed target
    return float(brentq(excess, -scores.max() - reach, -scores.min() + reach))
