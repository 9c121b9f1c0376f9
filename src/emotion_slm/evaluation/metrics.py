"""Metrics under the names of metrics/test.json and metrics/plots/per_label.csv.

Everywhere: gold is (n, labels) int8 in {0, 1}, probabilities are (n, labels) floats in [0, 1], and
a label is predicted where its probability is at least its threshold. Within a label rows are ranked
by `scores`, (n, labels): the raw logits where a calibration has pooled some of them into ties, else
the probabilities. Precision without predictions, and recall without positives, are 0. scikit-learn
does the counting; numbers are rounded to 6 decimals so that a diff between two machines shows
results, not float noise. Where each row carries exactly one label, the most probable is predicted.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.calibration.choice import surprise
from emotion_slm.common.ranking import DECIMALS, average_precisions, most_probable

ECE_BINS = 15
FEW_POSITIVES = 100  # a label with fewer has an F1 that a handful of rows decides


class PerLabel(NamedTuple):
    """Each (labels,) float64, support int64; undefined average precisions and areas are 0."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    ap: np.ndarray
    auroc: np.ndarray
    support: np.ndarray


def per_label(gold: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> PerLabel:
    """The metrics of each label; predicted: (n, labels) in {0, 1}."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        gold, predicted, average=None, zero_division=0
    )
    ap, auroc = average_precisions(gold, scores), areas_under_roc(gold, scores)
    return PerLabel(precision, recall, f1, ap, auroc, support)


def overall(
    gold: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray | float,
    targets: Sequence[int],
    scores: np.ndarray | None = None,
) -> dict[str, float]:
    """The metrics over all labels; `thresholds` is (labels,), or one for all.

    `targets`: the columns of the labels that `macro_f1_targets` is the mean over.

    `map` is the mean over labels with positives, `auroc` that over labels with both classes, 0 if
    there are none; every other macro mean is over all labels. `scores`: see the module. ValueError
    when a probability is not between 0 and 1.
    """
    from sklearn.metrics import f1_score

    scores = probabilities if scores is None else scores
    predicted = predictions(probabilities, thresholds)
    labels = per_label(gold, predicted, scores)
    present, both = labels.support > 0, both_classes(gold)
    values = {
        "macro_f1": labels.f1.mean(),
        "micro_f1": f1_score(gold, predicted, average="micro", zero_division=0),
        "macro_precision": labels.precision.mean(),
        "macro_recall": labels.recall.mean(),
        "macro_f1_targets": labels.f1[targets].mean(),
        "map": labels.ap[present].mean() if present.any() else 0,
        "auroc": labels.auroc[both].mean() if both.any() else 0,
        "exact_accuracy": (predicted == gold).all(axis=1).mean(),
        "ece": expected_calibration_error(gold, probabilities),
        "brier": brier(gold, probabilities),
    }
    return {name: rounded(value) for name, value in values.items()}


def overall_of_one(
    gold: np.ndarray, probabilities: np.ndarray, targets: Sequence[int]
) -> dict[str, float]:
    """`overall` where each row carries exactly one label, and probabilities sum to 1.

    `ece` is that of the most probable label, `nll` the mean of −log p of the row's label, `brier`
    the mean over rows of the squared distances summed over labels. ValueError as `overall`.
    """
    predicted = most_probable(_probabilities(probabilities))
    labels = per_label(gold, predicted, probabilities)
    present, both = labels.support > 0, both_classes(gold)
    right, confidence = of_most_probable(gold, probabilities)
    mean, observed, weight = equal_mass_bins(right, confidence)
    values = {
        "macro_f1": labels.f1.mean(),
        "accuracy": right.mean(),
        "macro_precision": labels.precision.mean(),
        "macro_recall": labels.recall.mean(),
        "macro_f1_targets": labels.f1[targets].mean(),
        "map": labels.ap[present].mean() if present.any() else 0,
        "auroc": labels.auroc[both].mean() if both.any() else 0,
        "ece": np.sum(weight * np.abs(mean - observed)),
        "nll": surprise(gold, probabilities),
        "brier": gold.shape[1] * brier(gold, probabilities),
    }
    return {name: rounded(value) for name, value in values.items()}


def of_most_probable(gold: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int8 whether each row's most probable label is right, and (n,) its probability."""
    right = (most_probable(probabilities) * gold).sum(axis=1)
    return right, probabilities.max(axis=1)


def predictions(probabilities: np.ndarray, thresholds: np.ndarray | float) -> np.ndarray:
    """(n, labels) int8: 1 where the probability is at least the threshold.

    ValueError when a probability is NaN or not between 0 and 1.
    """
    return (_probabilities(probabilities) >= thresholds).astype(np.int8)


def _probabilities(values: np.ndarray) -> np.ndarray:
    """`values`, or ValueError."""
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("every probability must be a number between 0 and 1")
    return values


def areas_under_roc(gold: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(labels,) area under the ROC curve; 0 for a label without both classes."""
    from sklearn.metrics import roc_auc_score

    result = np.zeros(gold.shape[1])
    for column in np.flatnonzero(both_classes(gold)):
        result[column] = roc_auc_score(gold[:, column], scores[:, column])
    return result


def expected_calibration_error(gold: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error in 15 equal-mass bins per label, mean over labels."""
    errors = []
    for column in range(gold.shape[1]):
        confidence, observed, weight = equal_mass_bins(gold[:, column], probabilities[:, column])
        errors.append(np.sum(weight * np.abs(confidence - observed)))
    return float(np.mean(errors))


def equal_mass_bins(
    gold: np.ndarray, probabilities: np.ndarray, bins: int = ECE_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort (n,) probabilities into bins of equal size (± 1 row): a reliability diagram's points.

    Returns mean probability, share of positives and share of rows per bin, each (min(bins, n),).
    Rows of equal probability count with their common share of positives, so that the order of the
    rows never decides which of them falls on which side of a bin's edge.
    """
    values, group = np.unique(probabilities, return_inverse=True)
    rows_per_value = np.bincount(group)
    positives = np.bincount(group, weights=gold) / rows_per_value
    confidence = np.repeat(values.astype(np.float64), rows_per_value)
    observed = np.repeat(positives, rows_per_value)
    bins = min(bins, len(confidence))
    edges = np.arange(bins) * len(confidence) // bins
    sizes = np.diff(np.append(edges, len(confidence)))
    return (
        np.add.reduceat(confidence, edges) / sizes,
        np.add.reduceat(observed, edges) / sizes,
        sizes / len(confidence),
    )


def brier(gold: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance between probability and gold over all entries."""
    return float(np.mean((probabilities.astype(np.float64) - gold) ** 2))


def both_classes(gold: np.ndarray) -> np.ndarray:
    """(labels,) bool: labels that some rows carry and some do not, for which AUROC is defined."""
    return gold.any(axis=0) & ~gold.all(axis=0)


def rounded(value: float) -> float:
    return round(float(value), DECIMALS)
