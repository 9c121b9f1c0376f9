"""Bootstrap intervals of F1 scores, and of differences between predictions of the same rows.

Source: Efron and Tibshirani 1993, the percentile method. Rows with the same text, or of one group,
stand or fall together, so these are resampled, not rows. A replicate is a vector of how often each
group was drawn; its F1 scores follow from the product of that vector with each group's hits,
predictions and positives, so that no replicate is ever built row by row.

The draws depend only on the number of groups, the replicates and the seed: two calls with the same
three compare the same replicates.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.common.ranking import f1_from_counts

REPLICATES = 1000
CONFIDENCE = 0.95
CHUNK = 100  # replicates at a time: 10,000 groups take 8 MB


class Scores(NamedTuple):
    """F1 scores of one or many samples: `f1` is (..., labels), the rest (...,), float64."""

    macro_f1: np.ndarray
    micro_f1: np.ndarray
    f1: np.ndarray


class Difference(NamedTuple):
    """A difference of scores with its 95 % interval."""

    difference: float
    low: float
    high: float


class F1Intervals(NamedTuple):
    """The 95 % interval of macro-F1, of micro-F1, which is accuracy where there is one label a row,
    and of each label's F1: `low` and `high` are (labels,)."""

    macro: tuple[float, float]
    micro: tuple[float, float]
    low: np.ndarray
    high: np.ndarray


def f1_intervals(
    predicted: np.ndarray, gold: np.ndarray, groups: np.ndarray, seed: int
) -> F1Intervals:
    """Intervals of F1 for (n, labels) predictions and gold in {0, 1} and (n,) numbers shared by
    rows that stand or fall together.

    A resample of rows without an error has none: there the lower end is where so many would show
    none in one sample of 40 (`error_free`).
    """
    drawn = replicate_scores([predicted], gold, groups, REPLICATES, seed)
    macro, micro = (
        tuple(float(bound) for bound in interval(scores[0]))
        for scores in (drawn.macro_f1, drawn.micro_f1)
    )
    low, high = interval(drawn.f1[0])
    right = (predicted > 0) == (gold > 0)
    concerned = _distinct((predicted > 0) | (gold > 0), groups)
    for label in np.flatnonzero(right.all(axis=0) & (concerned > 0)):
        low[label] = error_free(int(concerned[label]))
    if right.all():
        macro = (float(low.mean()), 1.0)
        accuracy = error_free(int(_distinct(np.ones((len(gold), 1), bool), groups)[0]))
        micro = (accuracy / (2 - accuracy), 1.0)
    return F1Intervals(macro, micro, low, high)


def error_free(n: int) -> float:
    """The lowest F1 at which `n` independent groups, none of them with an error, are no rarer than
    one in 40: F1 is 2 J / (1 + J) of the share J that is right (Clopper and Pearson 1934)."""
    right = ((1 - CONFIDENCE) / 2) ** (1 / n)
    return 2 * right / (1 + right)


def _distinct(held: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(columns,) of how many groups some row is held, of (n, columns) bool."""
    return np.array([len(np.unique(np.asarray(groups)[column])) for column in held.T])


def paired_difference(
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    gold: np.ndarray,
    groups: np.ndarray,
    replicates: int,
    seed: int,
    score: str = "macro_f1",
) -> Difference:
    """Score of `first` minus score of `second`, both predictions of the same rows.

    first, second: (n, labels) bool predictions, one per training seed; their scores are averaged
    within a replicate, so the interval holds the chance in the rows, not that in training. gold:
    (n, labels); groups: (n,). `score`: macro_f1 or micro_f1. ValueError when a side
    is empty or shapes differ.
    """
    if not first or not second:
        raise ValueError("each side of a comparison needs predictions")
    sets = [*first, *second]

    def gap(scores: Scores) -> np.ndarray:
        values = getattr(scores, score)
        return values[: len(first)].mean(axis=0) - values[len(first) :].mean(axis=0)

    low, high = interval(gap(replicate_scores(sets, gold, groups, replicates, seed)))
    observed = _scores(_totals(sets, gold, groups).sum(axis=0)[None], len(sets))
    return Difference(float(gap(observed)[0]), float(low), float(high))


def replicate_scores(
    predictions: Sequence[np.ndarray],
    gold: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Scores:
    """Scores of every set of (n, labels) predictions in every replicate, (sets, replicates, ...).

    All sets meet the same replicates.
    """
    totals = _totals(predictions, gold, groups)
    counts = np.concatenate(
        [weights @ totals for weights in _weights(len(totals), replicates, seed)]
    )
    return _scores(counts, len(predictions))


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The percentiles that hold the middle 95 % of `values` along the first axis."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def _weights(groups: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """(≤ CHUNK, groups) float64: how often each group was drawn, in each of `replicates`."""
    random = np.random.default_rng(seed)
    for start in range(0, replicates, CHUNK):
        drawn = [
            np.bincount(random.integers(groups, size=groups), minlength=groups)
            for _ in range(min(CHUNK, replicates - start))
        ]
        yield np.array(drawn, dtype=np.float64)


def _totals(predictions: Sequence[np.ndarray], gold: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(groups, labels · (2 sets + 1)) float64: positives, then each set's hits and predictions.

    Whole numbers, whose sums float64 holds exactly: no order of summing changes a score.
    """
    positive = np.asarray(gold) > 0
    if not len(positive):
        raise ValueError("a bootstrap needs rows")
    columns = [positive]
    for predicted in predictions:
        if predicted.shape != positive.shape:
            raise ValueError(f"predictions {predicted.shape} and gold {positive.shape} differ")
        chosen = predicted > 0
        columns += [chosen & positive, chosen]
    _, group = np.unique(groups, return_inverse=True)
    totals = np.zeros((group.max() + 1, positive.shape[1] * len(columns)))
    np.add.at(totals, group, np.concatenate(columns, axis=1))
    return totals


def _scores(counts: np.ndarray, sets: int) -> Scores:
    """Scores, (sets, replicates, ...), from (replicates, labels · (2 sets + 1)) counts."""
    parts = counts.reshape(len(counts), 2 * sets + 1, -1).swapaxes(0, 1)
    positives, hits, predicted = parts[0], parts[1::2], parts[2::2]
    f1 = f1_from_counts(hits, predicted, positives)
    return Scores(
        macro_f1=f1.mean(axis=-1),
        micro_f1=f1_from_counts(hits.sum(-1), predicted.sum(-1), positives.sum(-1)),
        f1=f1,
    )
