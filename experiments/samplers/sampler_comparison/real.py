"""Problems made from the data that scikit-learn ships, thinned to about one positive in ten.

Each function returns X, (n, d) float64, and y, (n,) int64 with 1 for the minority. No download.
"""

import numpy as np
from imblearn.datasets import make_imbalance
from sklearn import datasets

SEED = 7  # of every thinning; the protocol has a seed of its own in params.yaml


def breast_cancer():
    X, y = datasets.load_breast_cancer(return_X_y=True)
    return thinned(X, y == 0, 40)  # scikit-learn codes malignant as 0


def wine():
    X, y = datasets.load_wine(return_X_y=True)
    return thinned(X, y == 2, 15)


def iris():
    X, y = datasets.load_iris(return_X_y=True)
    return thinned(X, y == 1, 15)


def digits():
    X, y = datasets.load_digits(return_X_y=True)
    return X, (y == 8).astype(np.int64)


def diabetes():
    X, y = datasets.load_diabetes(return_X_y=True)
    return X, (y >= np.quantile(y, 0.9)).astype(np.int64)


def thinned(X, positive, n_positive: int):
    """All negatives and `n_positive` random positives. `positive`: (n,) bool."""
    y = positive.astype(np.int64)
    counts = {0: int((y == 0).sum()), 1: n_positive}
    return make_imbalance(X, y, sampling_strategy=counts, random_state=SEED)
