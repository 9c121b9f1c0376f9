"""Approximate nearest neighbours for classes too large to compare every pair of rows."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

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
    >>> from emotion_slm.balance.approximate import ApproximateNeighbors
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
