"""The label set a synthetic row takes from its seed row and that row's neighbours."""

import numpy as np

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
