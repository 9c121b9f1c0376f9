"""Isotonic regression: per label the non-decreasing step from logit to probability that fits best.

Source: Zadrozny and Elkan 2002, on Platt's smoothed targets, so that a run of rows without a
positive is improbable rather than impossible. Between its knots the function is linear, beyond them
constant. It pools logits into ties: a ranking is better taken from the logits.
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.label_keys import check_labels
from emotion_slm.evaluation.platt import smoothed_targets
from emotion_slm.labels import LABELS


class Knots(NamedTuple):
    """Of one label, each (k,) float64, k ≥ 1: increasing logits, non-decreasing probabilities."""

    logits: np.ndarray
    probabilities: np.ndarray


class Isotonic(NamedTuple):
    """The knots of every label, in label order."""

    knots: tuple[Knots, ...]

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Isotonic":
        """Fit on (n, 28) raw logits and gold; a label of one class, or without trend, is flat."""
        columns = zip(logits.astype(np.float64).T, gold.T > 0, strict=True)
        return cls(tuple(_fit_label(scores, positive) for scores, positive in columns))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, 28) raw logits → (n, 28) float64 probabilities."""
        columns = zip(logits.astype(np.float64).T, self.knots, strict=True)
        return np.column_stack([np.interp(scores, *knots) for scores, knots in columns])

    def to_dict(self) -> dict[str, dict[str, list[float]]]:
        """The knots by label name."""
        return {
            label: {"logits": knots.logits.tolist(), "probabilities": knots.probabilities.tolist()}
            for label, knots in zip(LABELS, self.knots, strict=True)
        }

    @classmethod
    def from_dict(cls, content: dict, source: str) -> "Isotonic":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        check_labels(content, source)
        return cls(tuple(_read_knots(content[label], f"{source}: {label}") for label in LABELS))


def _fit_label(scores: np.ndarray, positive: np.ndarray) -> Knots:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1).fit(scores, smoothed_targets(positive))
    return Knots(model.X_thresholds_, model.y_thresholds_)


def _read_knots(content: object, source: str) -> Knots:
    try:
        knots = Knots(*(np.array(content[key], dtype=np.float64) for key in Knots._fields))
    except (KeyError, TypeError, ValueError) as error:
        raise EmotionSlmError(
            f"{source}: expected lists of numbers 'logits' and 'probabilities'"
        ) from error
    logits, probabilities = knots
    if logits.ndim != 1 or logits.shape != probabilities.shape or not len(logits):
        raise EmotionSlmError(f"{source}: 'logits' and 'probabilities' must be lists of one length")
    if not np.isfinite(logits).all() or not (np.diff(logits) > 0).all():
        raise EmotionSlmError(f"{source}: 'logits' must be finite and increase")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise EmotionSlmError(f"{source}: 'probabilities' must lie between 0 and 1")
    if not (np.diff(probabilities) >= 0).all():
        raise EmotionSlmError(f"{source}: 'probabilities' must not decrease")
    return knots
