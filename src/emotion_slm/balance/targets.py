"""Rows wanted per label, from a `sampling_strategy`."""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np

from emotion_slm.balance.imbalance import mean_ir
from emotion_slm.spelling import did_you_mean


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
