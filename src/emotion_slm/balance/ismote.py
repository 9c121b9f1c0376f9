"""ISMOTE as imbalanced-learn samplers: `ISMOTE` for one label per row, `MultiLabelISMOTE` for many.

After Li, Yang, Song, Duan, Ren 2025, Scientific Reports 15:23521, doi 10.1038/s41598-025-09506-w.
"""

from numbers import Integral
from typing import ClassVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from emotion_slm.balance.geometry import PARENTS, draw, extend, private_random_state
from emotion_slm.balance.multilabel import MultiLabelISMOTE
from emotion_slm.balance.neighbours import nearest, split_parameter

__all__ = ["ISMOTE", "MultiLabelISMOTE"]


class ISMOTE(BaseOverSampler):
    """Oversample classes with ISMOTE, after Li et al. 2025.

    A synthetic row is z = x_i + t (x_j − x_i): x_i a random seed row of the class, x_j one of its
    k nearest neighbours within the class, t = s + r if s ≤ ½ else s − r for independent
    s, r ~ U(0, 1). SMOTE has t = s, which shrinks the class's variance; a quarter of ISMOTE's rows
    lie beyond the segment between their parents and repair half of that. Only the paper's abstract
    was at hand: the formula is a reading of it, not an exact reproduction.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As for every over-sampler of imbalanced-learn.
    k_neighbors : int or estimator, default=5
        Neighbours a seed row chooses from; a class of n ≤ k rows uses n − 1. An int searches
        exactly. An estimator with `fit` and `kneighbors`, such as
        `emotion_slm.balance.neighbours.ApproximateNeighbors`, searches in its own way; as in
        imbalanced-learn, its `n_neighbors` counts the row itself.
    expansion : {"segment", "none"}, default="segment"
        "none" is SMOTE: for the first class grown, hence for binary targets, the rows are bitwise
        those of `imblearn.over_sampling.SMOTE` under the same integer seed (but for unsigned
        integers, whose differences wrap around there).
    normalize : bool, default=False
        Re-project synthetic rows onto the unit sphere; meant for X of unit rows.
    random_state : int, RandomState instance or None, default=None
        None draws from a fresh generator; NumPy's global one is never touched.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class → synthetic rows.
    provenance_ : structured ndarray of shape (n_synthetic,)
        Per synthetic row, in order: `seed`, `neighbour` (row indices) and `t` (float64).
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when all are strings.

    Raises
    ------
    ValueError
        From `fit_resample`: a class to grow has a single row, X holds NaN or infinity, or
        `normalize` meets integers.

    See Also
    --------
    MultiLabelISMOTE : The same for rows with any number of labels.
    imblearn.over_sampling.SMOTE : Rows between their parents only.

    References
    ----------
    Li, Yang, Song, Duan, Ren 2025, Scientific Reports 15:23521, doi 10.1038/s41598-025-09506-w.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from emotion_slm.balance.ismote import ISMOTE
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=10)
    >>> sorted(Counter(y.tolist()).items())
    [(0, 91), (1, 9)]
    >>> X_resampled, y_resampled = ISMOTE(random_state=42).fit_resample(X, y)
    >>> sorted(Counter(y_resampled.tolist()).items())
    [(0, 91), (1, 91)]
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "k_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            HasMethods(["fit", "kneighbors"]),
        ],
        "expansion": [StrOptions({"segment", "none"})],
        "normalize": ["boolean"],
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        k_neighbors=5,
        expansion="segment",
        normalize=False,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.k_neighbors = k_neighbors
        self.expansion = expansion
        self.normalize = normalize
        self.random_state = random_state

    def _fit_resample(self, X, y):
        random = private_random_state(self.random_state)
        k_neighbors, search = split_parameter(self.k_neighbors)
        as_smote = self.expansion == "none"
        difference = X.dtype if as_smote and X.dtype.kind == "f" else np.float64
        parents, labels = [np.empty(0, PARENTS)], [y]
        for label, n_samples in self.sampling_strategy_.items():
            if n_samples == 0:
                continue
            members = np.flatnonzero(y == label)
            if len(members) == 1:
                raise ValueError(f"class {label!r} has a single row: it has no neighbour")
            k = min(k_neighbors, len(members) - 1)
            if as_smote:
                near = _as_smote_finds(X[members], k, search or NearestNeighbors(n_neighbors=k + 1))
            else:
                near = nearest(X[members], np.arange(len(members)), k, search)
            seed, rank, t = draw(random, len(members), k, n_samples, self.expansion)
            block = np.empty(n_samples, PARENTS)
            block["seed"], block["neighbour"] = members[seed], members[near[seed, rank]]
            block["t"] = t
            parents.append(block)
            labels.append(np.full(n_samples, label, dtype=y.dtype))
        self.provenance_ = np.concatenate(parents)
        X_resampled = extend(X, self.provenance_, self.normalize, difference)
        return X_resampled, np.concatenate(labels)


def _as_smote_finds(rows, k: int, search) -> np.ndarray:
    """(n, k) neighbours as imbalanced-learn's SMOTE has them, to the bit: whatever is found first
    counts as the row itself, which among near-duplicates it need not be."""
    found = clone(search).fit(rows).kneighbors(rows, n_neighbors=k + 1, return_distance=False)
    return found[:, 1:]
