"""Probabilities that mean what they say: one Platt scaling per label, fitted on validation.

A focal loss and oversampled training rows rank well and estimate badly; σ(slope · logit +
intercept) mends the estimate and keeps the ranking. Sources: Platt 1999 for the model and its
smoothed targets, Lin, Lin and Weng 2007 for why those need no further regularisation.
"""

from dataclasses import dataclass

import numpy as np

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation import folds as fold_assignment
from emotion_slm.labels import LABELS
from emotion_slm.seeds import child_seed

# A label whose fitted slope is below this has no usable trend: its ranking would be flattened or,
# with a negative slope, turned round.
MIN_SLOPE = 0.01


@dataclass(frozen=True, eq=False)
class Calibration:
    """Slope and intercept per label, each (28,) float64 in label order."""

    slope: np.ndarray
    intercept: np.ndarray

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, 28) raw logits → (n, 28) float64 probabilities."""
        return apply(logits, self.slope, self.intercept)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """The content of calibration.json: slope and intercept by label name."""
        return {
            label: {"slope": float(self.slope[column]), "intercept": float(self.intercept[column])}
            for column, label in enumerate(LABELS)
        }

    @classmethod
    def from_dict(cls, content: dict, source: str = "calibration.json") -> "Calibration":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        if set(content) != set(LABELS):
            odd = sorted(set(content) ^ set(LABELS))
            raise EmotionSlmError(f"{source}: missing or unknown label {odd[0]!r}")
        values = np.empty((len(LABELS), 2))
        for column, label in enumerate(LABELS):
            try:
                values[column] = [float(content[label][key]) for key in ("slope", "intercept")]
            except (KeyError, TypeError, ValueError) as error:
                raise EmotionSlmError(
                    f"{source}: {label}: expected numbers 'slope' and 'intercept'"
                ) from error
        if not np.isfinite(values).all() or not (values[:, 0] > 0).all():
            raise EmotionSlmError(f"{source}: every value must be finite and every slope positive")
        return cls(slope=values[:, 0], intercept=values[:, 1])


def fit_platt(logits: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit on (n, 28) raw logits and gold → slope (28,) and intercept (28,), float64.

    A label without positives or without negatives keeps slope 1 and intercept 0. Where the fitted
    slope falls below MIN_SLOPE, or all logits are equal, the slope is 1 and only the intercept is
    fitted. So the ranking within a label never changes.
    """
    slope, intercept = np.ones(len(LABELS)), np.zeros(len(LABELS))
    for column in range(len(LABELS)):
        scores, positive = logits[:, column].astype(np.float64), gold[:, column] > 0
        if positive.any() and not positive.all():
            slope[column], intercept[column] = _fit_label(scores, positive)
    return slope, intercept


def apply(logits: np.ndarray, slope: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """σ(slope · logit + intercept), (n, 28) float64; no overflow at any logit."""
    from scipy.special import expit

    return expit(logits * slope + intercept)


def cross_fitted(
    logits: np.ndarray,
    gold: np.ndarray,
    folds: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """(n, 28) probabilities, each row's by a calibration fitted on the folds it is not in.

    Thresholds tuned on these meet probabilities as honest as those of unseen rows. `groups` keeps
    rows with the same text in one fold.
    """
    fold = fold_assignment.assign(
        gold, logits, folds, child_seed(seed, "calibration folds"), groups
    )
    probabilities = np.empty(logits.shape)
    for held_out in range(folds):
        inside = fold == held_out
        slope, intercept = fit_platt(logits[~inside], gold[~inside])
        probabilities[inside] = apply(logits[inside], slope, intercept)
    return probabilities


def _fit_label(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    targets = _smoothed_targets(positive)
    if np.ptp(scores) > 0:
        slope, intercept = _fit_slope(scores, targets)
        if slope >= MIN_SLOPE:
            return slope, intercept
    return 1.0, _fit_intercept(scores, targets)


def _smoothed_targets(positive: np.ndarray) -> np.ndarray:
    """Platt's targets: just inside 0 and 1, so that separable labels keep a finite slope."""
    positives = positive.sum()
    negatives = len(positive) - positives
    return np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))


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
