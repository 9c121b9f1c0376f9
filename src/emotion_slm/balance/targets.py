"""Rows wanted per label, label sets of synthetic rows, and measures of imbalance.

Source of the measures and of the label-set rules: Charte et al. 2015 (IRLbl, MeanIR, MLSMOTE).
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np

from emotion_slm.common.errors import did_you_mean


def resolve(
    strategy: str | int | float | Mapping, counts: np.ndarray, labels: Sequence, excluded: set[int]
) -> dict[int, int]:
    """Column → rows wanted, for the labels `strategy` speaks of but the `excluded` columns.

    `counts`: (L,) rows per label; `labels`: the name of each column. An int is the target itself;
    a float that share of the most frequent label's rows, rounded; "auto" the rows at which IRLbl
    falls to MeanIR, so that exactly the labels above MeanIR lack rows. A mapping names labels, and
    only these get a target. ValueError for an unknown or excluded label and a bad count.
    """
    if isinstance(strategy, Mapping):
        return {
            _growable(label, labels, excluded): _count(label, target)
            for label, target in strategy.items()
        }
    if isinstance(strategy, Integral):
        target = int(strategy)
    elif strategy == "auto":
        target = math.ceil(counts.max() / mean_ir(counts)) if counts.any() else 0
    else:
        target = round(strategy * counts.max())
    return {column: target for column in range(len(labels)) if column not in excluded}


def column_of(label, labels: Sequence) -> int:
    """Position of `label`; ValueError names the nearest known label."""
    try:
        return list(labels).index(label)
    except ValueError:
        hint = did_you_mean(str(label), map(str, labels))
        raise ValueError(f"y has no label {label!r}{hint}") from None


def _growable(label, labels: Sequence, excluded: set[int]) -> int:
    column = column_of(label, labels)
    if column in excluded:
        raise ValueError(f"label {label!r} is in sampling_strategy and in exclude_labels")
    return column


def _count(label, target) -> int:
    if not isinstance(target, Integral) or target < 0:
        raise ValueError(f"sampling_strategy of label {label!r}: {target!r} is no number of rows")
    return int(target)


STRATEGIES = ("seed", "nearest", "ranking", "union", "intersection")


def of_nearer_parent(y: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Label set per synthetic row of "nearest": that of the parent it lies nearer to.

    `y`: (n, L) indicator matrix; `parents`: (m,) with fields `seed`, `neighbour` and `t`. Halfway
    between them the seed decides. Returns (m, L) bool.
    """
    return y[np.where(parents["t"] <= 0.5, parents["seed"], parents["neighbour"])] != 0


def combine(y: np.ndarray, seeds: np.ndarray, neighbours: np.ndarray, strategy: str) -> np.ndarray:
    """Label set per seed row by `strategy`, the rules of MLSMOTE (Charte et al. 2015) and "seed".

    `y`: (n, L) indicator matrix; `seeds`: (m,) and `neighbours`: (m, k) row indices. "seed" takes
    the seed's labels, "ranking" those of more than half of seed and neighbours, "union" those of
    any, "intersection" those of all. Returns (m, L) bool.
    """
    if strategy == "seed":
        return y[seeds] != 0
    votes = (y[seeds] != 0).astype(np.int64)
    for column in neighbours.T:
        votes += y[column] != 0
    voters = neighbours.shape[1] + 1
    if strategy == "ranking":
        return 2 * votes > voters
    return votes > 0 if strategy == "union" else votes == voters


def irlbl(counts: np.ndarray) -> np.ndarray:
    """IRLbl: rows of the most frequent label over rows of each label; NaN for labels without rows.

    `counts`: (L,) rows per label. Returns (L,) float64.
    """
    counts = np.asarray(counts, dtype=np.float64)
    return counts.max() / np.where(counts > 0, counts, np.nan)


def mean_ir(counts: np.ndarray) -> float:
    """MeanIR: mean IRLbl of the labels that have rows; NaN when none has."""
    present = np.asarray(counts)[np.asarray(counts) > 0]
    return float(irlbl(present).mean()) if len(present) else float("nan")
