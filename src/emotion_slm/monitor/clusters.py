"""Texts that belong together, by author or thread: how much a few clusters say of all."""

import numpy as np

TWO_SIDED = 1.959964  # the normal quantile of a 95 % band


def effective(clusters: np.ndarray | None) -> float:
    """How many clusters of one size say as much: n² / Σ n_g² (Kish 1965); infinitely many where
    texts are independent. `clusters`: (n,) whole numbers."""
    if clusters is None:
        return np.inf
    sizes = np.unique(clusters, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def sums(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """(n, columns) values → (clusters, columns) sums over each cluster's texts."""
    order = np.argsort(clusters, kind="stable")
    firsts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    return np.add.reduceat(values[order], firsts, axis=0)


def few(number: float) -> float:
    """By how much errors of so many clusters come out too small: √(G / (G − 1))."""
    return 1.0 if np.isinf(number) else float(np.sqrt(number / max(number - 1, 0.5)))


def wider(number: float) -> float:
    """Student's 97.5 % quantile with G − 1 degrees of freedom over the normal one: errors from few
    clusters are themselves uncertain (Cameron and Miller 2015)."""
    from scipy.special import stdtrit

    if np.isinf(number):
        return 1.0
    return float(stdtrit(max(number - 1, 1.0), 0.975) / TWO_SIDED)
