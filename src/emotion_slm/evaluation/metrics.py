"""Multi-label metrics under the names of metrics/test.json.

Everywhere: gold is (n, 28) int8 in {0, 1}, probabilities are (n, 28) floats in [0, 1], and a label
is predicted where its probability is at least its threshold. Whatever is undefined (precision
without predictions, recall or average precision without positives) is 0. scikit-learn does the
counting; results are plain Python numbers, floats rounded to 6 decimals so that a diff between two
machines shows results, not float noise.
"""

import numpy as np

from emotion_slm.evaluation.ranking import average_precisions, mean_average_precision
from emotion_slm.labels import LABEL_INDEX, LABELS, TARGETS

ECE_BINS = 15
DECIMALS = 6


def evaluate(gold: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> dict:
    """All metrics of one split; `thresholds` is (28,).

    `map` is the mean over labels with positives; every other macro mean is over all labels.
    """
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    predicted = (probabilities >= thresholds).astype(np.int8)
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, predicted, average=None, zero_division=0
    )
    average_precision = average_precisions(gold, probabilities)
    return {
        "macro_f1": _rounded(f1.mean()),
        "micro_f1": _rounded(f1_score(gold, predicted, average="micro", zero_division=0)),
        "macro_precision": _rounded(precision.mean()),
        "macro_recall": _rounded(recall.mean()),
        "exact_accuracy": _rounded((predicted == gold).all(axis=1).mean()),
        "map": _rounded(mean_average_precision(gold, probabilities)),
        "ece": _rounded(expected_calibration_error(gold, probabilities)),
        "brier": _rounded(brier(gold, probabilities)),
        "target": {"macro_f1": _rounded(f1[[LABEL_INDEX[label] for label in TARGETS]].mean())},
        "per_label": {
            label: {
                "precision": _rounded(precision[column]),
                "recall": _rounded(recall[column]),
                "f1": _rounded(f1[column]),
                "ap": _rounded(average_precision[column]),
                "support": int(support[column]),
            }
            for column, label in enumerate(LABELS)
        },
    }


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


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)
