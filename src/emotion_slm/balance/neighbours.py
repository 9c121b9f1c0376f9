"""Nearest neighbours within one class: an exact search, or an approximate one for large classes."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted, validate_data

# Columns are compared in groups of this many: only the groups with the least minima can hold a
# neighbour, which spares a partial sort of every distance.
GROUP = 32
# Distances held at a time: 8 MiB of float32, or this many rows of them if that is more (matrix
# products of fewer rows are slow).
BLOCK_ENTRIES = 2**21
BLOCK_ROWS = 256
# scikit-learn's k-d trees serve up to here.
LOW_DIMENSION = 15


def split_parameter(k_neighbors):
    """`k_neighbors` as (k, search): an int has no search of its own, an estimator says its k.

    As in imbalanced-learn, an estimator's `n_neighbors` counts the row itself: it is k + 1.
    """
    if isinstance(k_neighbors, Integral):
        return int(k_neighbors), None
    n_neighbors = getattr(k_neighbors, "n_neighbors", None)
    if not isinstance(n_neighbors, Integral) or n_neighbors < 2:
        raise ValueError(
            f"k_neighbors={k_neighbors!r} needs an attribute n_neighbors of 2 or more (it counts "
            f"the row itself), found {n_neighbors!r}"
        )
    return int(n_neighbors) - 1, k_neighbors


def nearest(rows, queries: np.ndarray, k: int, search=None) -> np.ndarray:
    """The k nearest of `rows` for each of `rows[queries]`, itself left out.

    `rows`: (n, d) finite array or CSR matrix, n > k; `queries`: (q,) distinct indices into `rows`.
    Returns (q, k) int64 indices into `rows`, nearest first by Euclidean distance. A duplicate of
    the query is a neighbour like any other. Without `search` the result is exact; `search`, an
    estimator with `fit(rows)` and `kneighbors(X, n_neighbors, return_distance)`, answers for
    itself. ValueError when it returns no k rows for a query, or distances overflow.
    """
    if k == 0:
        return np.empty((len(queries), 0), dtype=np.int64)
    if search is not None:
        return _searched(clone(search), rows, queries, k)
    many = rows.shape[0] >= 2 * GROUP * (k + 2)
    if sparse.issparse(rows) or rows.shape[1] <= LOW_DIMENSION or not many:
        return _searched(NearestNeighbors(n_neighbors=k + 1), rows, queries, k)
    found, certain = _in_float32(rows, queries, k)
    if not certain.all():
        search = NearestNeighbors(n_neighbors=k + 1)
        found[~certain] = _searched(search, rows, queries[~certain], k)
    return found


def _searched(search, rows, queries, k: int) -> np.ndarray:
    found = search.fit(rows).kneighbors(rows[queries], n_neighbors=k + 1, return_distance=False)
    if found.shape != (len(queries), k + 1) or found.min() < 0 or found.max() >= rows.shape[0]:
        raise ValueError(f"{search!r} found fewer than {k + 1} neighbours for some rows")
    dropped = found == queries[:, np.newaxis]
    if (dropped.sum(axis=1) > 1).any():
        raise ValueError("distances between rows overflow: scale X down")
    # With more than k duplicates the row itself may be missing: the farthest one goes instead.
    dropped[~dropped.any(axis=1), -1] = True
    return found[~dropped].reshape(len(queries), k).astype(np.int64, copy=False)


def _in_float32(rows: np.ndarray, queries, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`nearest` by float32 matrix products, and which rows of it are certain.

    A row is certain when its k nearest distances and the next one lie farther apart than rounding
    can reach: then float64 would find the same neighbours in the same order. Half the cost of
    scikit-learn's search, which computes every distance in float64. Returns (q, k) int64 and
    (q,) bool.
    """
    n, d = rows.shape
    with np.errstate(over="ignore", invalid="ignore"):  # infinite distances are never certain
        centred = (rows - rows.mean(axis=0, dtype=np.float64)).astype(np.float32)
        squares = np.einsum("nd,nd->n", centred, centred, dtype=np.float64)
        norms = np.sqrt(squares)
        if not norms.max() ** 2 < np.finfo(np.float32).max / 4:  # products would overflow
            return np.empty((len(queries), k), np.int64), np.zeros(len(queries), dtype=bool)
        halves = (squares / 2).astype(np.float32)
        # Bound on twice the error of |x_j|²/2 − x_i·x_j: rounding of the centred coordinates, of
        # the product (d u |x_i||x_j|, Higham 2002, eq. 3.5), of |x_j|²/2 and of the difference.
        reach = (d / 2 + 8) * np.finfo(np.float32).eps / 2 * (norms[queries] + norms.max()) ** 2
        reach += d * np.finfo(np.float32).tiny  # products too small for a float32
        width = -(-n // GROUP)  # group g: columns g, g + width, g + 2 width, …
        step = max(BLOCK_ROWS, BLOCK_ENTRIES // (GROUP * width))
        block = np.empty((min(step, len(queries)), GROUP * width), dtype=np.float32)
        found = np.empty((len(queries), k), dtype=np.int64)
        certain = np.empty(len(queries), dtype=bool)
        for start in range(0, len(queries), step):
            chunk = slice(start, start + step)
            own = queries[chunk]
            # distance² / 2 but for |x_i|²/2, which is the same along a row.
            closeness = block[: len(own)]
            closeness[:, n:] = np.inf
            np.matmul(-centred[own], centred.T, out=closeness[:, :n])
            closeness[:, :n] += halves
            closeness[np.arange(len(own)), own] = np.inf
            near, values = _least(closeness.reshape(len(own), GROUP, width), k + 1)
            found[chunk] = near[:, :k]
            certain[chunk] = (np.diff(values, axis=1) > reach[chunk, np.newaxis]).all(axis=1)
    return found, certain


def _least(groups: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the m least entries per row, in order, (q, m) each.

    `groups`: (q, GROUP, width), entry (i, a, b) of column b + width · a.
    """
    width = groups.shape[2]
    # The m least lie in the m groups whose minima are least.
    chosen = np.argpartition(groups.min(axis=1), m - 1, axis=1)[:, :m]  # (q, m)
    columns = (chosen[:, :, np.newaxis] + width * np.arange(GROUP)).reshape(len(groups), -1)
    values = np.take_along_axis(groups.reshape(len(groups), -1), columns, axis=1)
    least = np.argpartition(values, m - 1, axis=1)[:, :m]
    least = np.take_along_axis(
        least, np.take_along_axis(values, least, axis=1).argsort(axis=1, kind="stable"), axis=1
    )
    return np.take_along_axis(columns, least, axis=1), np.take_along_axis(values, least, axis=1)


# Cells per √n rows, and rows per cell that its centre is learnt from: faiss's advice.
CELLS_PER_ROOT = 4
ROWS_PER_CENTRE = 64


class ApproximateNeighbors(BaseEstimator):
    """Neighbour search by faiss's inverted file, for `k_neighbors` of the samplers.

    k-means divides the rows into about 4 √n cells; a query is compared with the rows of the
    `n_probes` cells nearest to it, n_probes / (4 √n) of all. Time grows with n √n instead of n².
    Vectors are compared in float32. Needs the extra `ann` (faiss-cpu).

    Parameters
    ----------
    n_neighbors : int, default=6
        Neighbours per query, the row itself among them: k + 1.
    n_probes : int, default=16
        Cells searched per query: more find more of the true neighbours, and take longer.

    References
    ----------
    Douze et al. 2024, "The Faiss library", arXiv:2401.08281.
    Jégou, Douze, Schmid 2011, "Product quantization for nearest neighbor search", IEEE TPAMI 33(1).

    Examples
    --------
    >>> from emotion_slm.balance.neighbours import ApproximateNeighbors
    >>> from emotion_slm.balance.ismote import ISMOTE
    >>> sampler = ISMOTE(k_neighbors=ApproximateNeighbors(n_neighbors=6), random_state=0)
    """

    def __init__(self, n_neighbors=6, n_probes=16):
        self.n_neighbors = n_neighbors
        self.n_probes = n_probes

    def fit(self, X, y=None):
        """Index the rows of the dense (n, d) array X."""
        try:
            import faiss
        except ImportError as error:
            raise ImportError(
                "ApproximateNeighbors needs faiss: pip install -e '.[ann]'"
            ) from error
        X = validate_data(self, X, dtype=np.float32, order="C")
        n, d = X.shape
        cells = max(1, min(round(CELLS_PER_ROOT * n**0.5), n // ROWS_PER_CENTRE))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, cells)
        index.cp.max_points_per_centroid = ROWS_PER_CENTRE
        index.train(X)
        index.add(X)
        index.nprobe = min(self.n_probes, cells)
        self.index_ = index
        return self

    def kneighbors(self, X, n_neighbors=None, return_distance=True):
        """Distances (q, k) float32, unless refused, and row indices (q, k) int64 of the neighbours.

        An index of −1 stands where the probed cells hold too few rows.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        squares, found = self.index_.search(X, n_neighbors or self.n_neighbors)
        return (np.sqrt(squares), found) if return_distance else found
