"""Synthetic rows on the line through a seed row and its neighbour.

z = x_i + t (x_j − x_i), after Li et al. 2025 (doi 10.1038/s41598-025-09506-w). ‖z‖² of unit parents
at distance d is 1 − t (1 − t) d²; re-projection moves z along their great circle.
"""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize as unit_rows

# 1 MiB of float64: the temporaries of a chunk stay in the processor's cache.
CHUNK_ENTRIES = 2**17


def extend(X, seed: np.ndarray, neighbour: np.ndarray, t: np.ndarray, normalize: bool):
    """`X` followed by one synthetic row per entry of `seed`, `neighbour` and `t`.

    `X`: (n, d) array, or CSR or CSC matrix; `seed`, `neighbour`: (m,) indices into it; `t`: (m,)
    float64. Returns (n + m, d) in the type, dtype and format of `X`; integer dtypes truncate, as
    imbalanced-learn's do, within their range. `normalize` re-projects each synthetic row onto the
    unit sphere (a zero row stays zero); ValueError for integer `X`.
    """
    if normalize and X.dtype.kind != "f":
        raise ValueError(f"normalize=True needs floating-point X, found {X.dtype}")
    if sparse.issparse(X):
        return sparse.vstack([X, _sparse_rows(X, seed, neighbour, t, normalize)], format=X.format)
    extended = np.empty((len(X) + len(seed), X.shape[1]), dtype=X.dtype)
    extended[: len(X)] = X
    _fill(extended[len(X) :], X, seed, neighbour, t, normalize)
    return extended


def _fill(out, X, seed, neighbour, t, normalize) -> None:
    step = max(1, CHUNK_ENTRIES // X.shape[1])
    for start in range(0, len(seed), step):
        chunk = slice(start, start + step)
        base = _computable(X[seed[chunk]])
        difference = _computable(X[neighbour[chunk]]) - base
        # t is float64, so the sum is too, and the assignment rounds once.
        z = base + t[chunk, np.newaxis] * difference
        if normalize:
            z = unit_rows(z, copy=False)
        out[chunk] = _in_range(z, X.dtype)


def _sparse_rows(X, seed, neighbour, t, normalize):
    rows = X.tocsr()
    base = _computable(rows[seed])
    difference = _computable(rows[neighbour]) - base
    z = (base + difference.multiply(t[:, np.newaxis])).tocsr()
    if normalize:
        z = unit_rows(z, copy=False)
    z.data = _in_range(z.data, X.dtype)
    return z.astype(X.dtype)


def _computable(rows):
    """Integers as float64: a difference of unsigned ones would wrap around."""
    return rows if rows.dtype.kind == "f" else rows.astype(np.float64)


def _in_range(z: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Clip to what an integer `dtype` can hold: a row beyond the segment may exceed it."""
    if dtype.kind not in "iu":
        return z
    limits = np.iinfo(dtype)
    return np.clip(z, limits.min, limits.max)
