"""Which emotion is taken for which: what stands in the place of a missed label."""

from typing import NamedTuple

import numpy as np


class Confusion(NamedTuple):
    """Of the rows whose gold label i is missed, what is wrongly predicted instead.

    `missed`: (28,) int64 rows. `instead`: (28, 28) float64, [i, j] the share of those rows on
    which label j is predicted without being gold; a row may count for several j. `nothing`: (28,)
    float64, the share on which no label at all is predicted. Shares of no rows are 0.
    """

    missed: np.ndarray
    instead: np.ndarray
    nothing: np.ndarray


def confusion(gold: np.ndarray, predicted: np.ndarray) -> Confusion:
    """Count over (n, 28) gold and predictions, each in {0, 1}."""
    gold, predicted = gold.astype(bool), predicted.astype(bool)
    missed = (gold & ~predicted).astype(np.int64)  # (n, 28)
    wrong = (predicted & ~gold).astype(np.int64)
    rows = missed.sum(axis=0)
    share = np.maximum(rows, 1)
    return Confusion(
        missed=rows,
        instead=missed.T @ wrong / share[:, None],
        nothing=missed[~predicted.any(axis=1)].sum(axis=0) / share,
    )
