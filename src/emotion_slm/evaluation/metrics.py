"""Multi-label metrics under the names of metrics/test.json.

Everywhere: gold is (n, 28) int8 in {0, 1}, probabilities are (n, 28) floats in [0, 1], and a label
is predicted where its probability is at least its threshold. Within a label rows are ranked by
`scores`, (n, 28): the raw logits where a calibration has pooled some of them into ties, else the
probabilities. Whatever is undefined (precision without predictions, recall or average precision
without positives, AUROC without both classes) is 0. scikit-learn does the counting; results are
plain Python numbers, floats rounded to 6 decimals so that a diff between two machines shows
results, not float noise.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.common.ranking import DECIMALS, average_precisions
from emotion_slm.corpus.labels import EKMAN, LABEL_INDEX, LABELS, NEUTRAL, SENTIMENT, TARGETS

ECE_BINS = 15
FEW_POSITIVES = 100  # a label with fewer has an F1 that a handful of rows decides
TARGET_COLUMNS = [LABEL_INDEX[label] for label in TARGETS]


class Counted(NamedTuple):
    """Per label, each (28,), and micro-F1."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    ap: np.ndarray
    micro_f1: float


def evaluate(
    gold: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    scores: np.ndarray | None = None,
) -> dict:
    """All metrics of one split; `thresholds` is (28,).

    `map` is the mean over labels with positives, `auroc` that over labels with both classes; every
    other macro mean is over all labels. `scores`: see the module. ValueError when a probability is
    not between 0 and 1.
    """
    from sklearn.metrics import hamming_loss

    scores = probabilities if scores is None else scores
    predicted = predictions(probabilities, thresholds)
    counted = _count(gold, predicted, scores)
    auroc, defined = areas_under_roc(gold, scores), _both_classes(gold)
    compact = _headline(counted)
    return {
        "target": {"macro_f1": compact.pop("target_macro_f1")},
        **compact,
        "exact_accuracy": _rounded((predicted == gold).all(axis=1).mean()),
        "hamming_loss": _rounded(hamming_loss(gold, predicted)),
        "lrap": _rounded(label_ranking_average_precision(gold, probabilities)),
        "auroc": _rounded(auroc[defined].mean() if defined.any() else 0),
        "ece": _rounded(expected_calibration_error(gold, probabilities)),
        "brier": _rounded(brier(gold, probabilities)),
        **{name: _pooled_f1(gold, predicted, groups) for name, groups in TAXONOMIES.items()},
        "per_label": {
            label: {
                "precision": _rounded(counted.precision[column]),
                "recall": _rounded(counted.recall[column]),
                "f1": _rounded(counted.f1[column]),
                "ap": _rounded(counted.ap[column]),
                "auroc": _rounded(auroc[column]),
                "support": int(counted.support[column]),
                "few_positives": bool(counted.support[column] < FEW_POSITIVES),
            }
            for column, label in enumerate(LABELS)
        },
    }


def headline(
    gold: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    scores: np.ndarray | None = None,
) -> dict[str, float]:
    """The few metrics that sum up a view or a threshold rule; arguments as of `evaluate`."""
    scores = probabilities if scores is None else scores
    return _headline(_count(gold, predictions(probabilities, thresholds), scores))


def predictions(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(n, 28) int8: 1 where the probability is at least the threshold.

    ValueError when a probability is NaN or not between 0 and 1.
    """
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("every probability must be a number between 0 and 1")
    return (probabilities >= thresholds).astype(np.int8)


def areas_under_roc(gold: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(labels,) area under the ROC curve; 0 for a label without both classes."""
    from sklearn.metrics import roc_auc_score

    result = np.zeros(gold.shape[1])
    for column in np.flatnonzero(_both_classes(gold)):
        result[column] = roc_auc_score(gold[:, column], scores[:, column])
    return result


def label_ranking_average_precision(gold: np.ndarray, scores: np.ndarray) -> float:
    """Mean over rows of the share of true labels among those ranked at or above each true one.

    After Schapire and Singer 2000; equal to scikit-learn's, whose loop over the rows takes 3 s for
    10,851 of them where this takes 0.1 s. A row without labels, or with all of them, counts 1.
    """
    relevant = gold > 0
    total = 0.0
    for start in range(0, len(gold), 1000):  # (1000, 28, 28) booleans at a time
        part, true = scores[start : start + 1000], relevant[start : start + 1000]
        at_or_above = part[:, None, :] >= part[:, :, None]
        rank = at_or_above.sum(axis=2)
        true_rank = (at_or_above & true[:, None, :]).sum(axis=2)
        precision = np.where(true, true_rank / rank, 0).sum(axis=1)
        labels = true.sum(axis=1)
        total += np.where(labels > 0, precision / np.maximum(labels, 1), 1).sum()
    return total / len(gold)


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


def _count(gold: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> Counted:
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    per_label = precision_recall_fscore_support(gold, predicted, average=None, zero_division=0)
    micro_f1 = f1_score(gold, predicted, average="micro", zero_division=0)
    return Counted(*per_label, average_precisions(gold, scores), micro_f1)


def _headline(counted: Counted) -> dict[str, float]:
    present = counted.support > 0
    return {
        "macro_f1": _rounded(counted.f1.mean()),
        "micro_f1": _rounded(counted.micro_f1),
        "macro_precision": _rounded(counted.precision.mean()),
        "macro_recall": _rounded(counted.recall.mean()),
        "map": _rounded(counted.ap[present].mean() if present.any() else 0),
        "target_macro_f1": _rounded(counted.f1[TARGET_COLUMNS].mean()),
    }


def _pooled_f1(gold: np.ndarray, predicted: np.ndarray, groups) -> dict[str, float]:
    from sklearn.metrics import f1_score

    pooled = pool(gold, groups), pool(predicted, groups)
    return {
        f"{average}_f1": _rounded(f1_score(*pooled, average=average, zero_division=0))
        for average in ("macro", "micro")
    }


def _both_classes(gold: np.ndarray) -> np.ndarray:
    return gold.any(axis=0) & ~gold.all(axis=0)


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)


TAXONOMIES: dict[str, dict[str, Sequence[str]]] = {
    name: {**groups, NEUTRAL: (NEUTRAL,)}
    for name, groups in (("ekman", EKMAN), ("sentiment", SENTIMENT))
}


def pool(labels: np.ndarray, groups: Mapping[str, Sequence[str]]) -> np.ndarray:
    """(n, 28) indicators → (n, groups) int8: a group is present if any of its labels is."""
    members = [[LABEL_INDEX[label] for label in names] for names in groups.values()]
    return np.column_stack([labels[:, columns].any(axis=1) for columns in members]).astype(np.int8)
