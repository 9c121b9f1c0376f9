"""Exact nearest neighbours within one class."""

import numpy as np
from sklearn.neighbors import NearestNeighbors


def nearest(rows, queries: np.ndarray, k: int) -> np.ndarray:
    """The k nearest of `rows` for each of `rows[queries]`, itself left out.

    `rows`: (n, d) array or CSR matrix, n > k; `queries`: (q,) indices into `rows`. Returns (q, k)
    int64 indices into `rows`, nearest first. A duplicate of the query is a neighbour like any
    other. The search is brute force above 15 dimensions and for sparse rows, a k-d tree below.
    """
    if k == 0:
        return np.empty((len(queries), 0), dtype=np.int64)
    search = NearestNeighbors(n_neighbors=k + 1).fit(rows)
    found = search.kneighbors(rows[queries], return_distance=False)
    dropped = found == queries[:, np.newaxis]
    # With more than k duplicates the row itself may be missing: the farthest one goes instead.
    dropped[~dropped.any(axis=1), -1] = True
    return found[~dropped].reshape(len(queries), k)
