"""Scores cheap enough to follow every epoch of training, unrounded."""

import numpy as np

DECIMALS = 6  # of every score in metrics/: a diff shows results, not float noise


def mean_average_precision(gold: np.ndarray, scores: np.ndarray) -> float:
    """Mean average precision over labels with positives, 0 if there are none; logits serve too.

    gold: (n, labels) in {0, 1}; scores: (n, labels).
    """
    present = gold.any(axis=0)
    return float(average_precisions(gold, scores)[present].mean()) if present.any() else 0.0


def average_precisions(gold: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(labels,) average precision; 0 for a label without positives."""
    from sklearn.metrics import average_precision_score

    result = np.zeros(gold.shape[1])
    for column in np.flatnonzero(gold.any(axis=0)):
        result[column] = average_precision_score(gold[:, column], scores[:, column])
    return result


def macro_f1(gold: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """Mean F1 over all labels at one threshold; a label without hits scores 0."""
    predicted = probabilities >= threshold
    hits = (predicted & (gold > 0)).sum(axis=0)
    return float(f1_from_counts(hits, predicted.sum(axis=0), gold.sum(axis=0)).mean())


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """(n, labels) int8: 1 for each row's most probable label, of equals the first, else 0."""
    chosen = np.zeros(probabilities.shape, dtype=np.int8)
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = 1
    return chosen


def f1_from_counts(hits: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> np.ndarray:
    """F1 from true positives, predicted positives and gold positives; 0 where nothing is hit."""
    return 2 * hits / np.maximum(predicted + support, 1)
