"""Measures of imbalance of a multi-label data set (Charte et al. 2015)."""

import numpy as np


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


def label_cardinality(y: np.ndarray) -> float:
    """Mean number of labels per row of the (n, L) indicator matrix `y`."""
    return float(np.asarray(y).sum(axis=1).mean())
