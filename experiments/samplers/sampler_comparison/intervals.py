"""Intervals around a mean: over repeated folds, which overlap, and over independent values."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    mean: float
    low: float
    high: float


def over_folds(differences: np.ndarray, test_to_train: float, confidence: float) -> Interval:
    """The corrected resampled t interval of paired differences, one per fold. (n,), n ≥ 2.

    Training sets of repeated cross-validation share most of their rows, so s²/n is far too small a
    variance for the mean; Nadeau and Bengio 2003 use s² (1/n + n_test/n_train), and
    `test_to_train` is that second ratio.
    """
    return _around(differences, 1 / len(differences) + test_to_train, confidence)


def over_problems(values: np.ndarray, confidence: float) -> Interval:
    """Student's t interval of the mean of `values`, one per problem. (n,), n ≥ 2."""
    return _around(values, 1 / len(values), confidence)


def _around(values: np.ndarray, factor: float, confidence: float) -> Interval:
    mean = float(np.mean(values))
    error = float(np.sqrt(factor * np.var(values, ddof=1)))
    margin = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return Interval(mean, mean - margin, mean + margin)
