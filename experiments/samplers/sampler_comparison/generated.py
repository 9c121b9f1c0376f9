"""Problems drawn from a fixed seed, one per difficulty that over-samplers are said to address.

Each function returns X, (n, d) float64, and y, (n,) int64 with 1 for the minority.
"""

import numpy as np
from sklearn import datasets

from sampler_comparison.real import thinned

SEED = 7


def redundant():
    return datasets.make_classification(
        n_samples=1000,
        n_features=20,
        n_informative=5,
        n_redundant=5,
        weights=[0.95],
        class_sep=1.0,
        flip_y=0.01,
        random_state=SEED,
    )


def noisy():
    return datasets.make_classification(
        n_samples=800,
        n_features=10,
        n_informative=4,
        n_redundant=0,
        weights=[0.9],
        class_sep=0.7,
        flip_y=0.06,
        random_state=SEED,
    )


def extreme():
    return datasets.make_classification(
        n_samples=2000,
        n_features=8,
        n_informative=4,
        n_redundant=0,
        n_clusters_per_class=1,
        weights=[0.99],
        class_sep=0.8,
        flip_y=0,
        random_state=SEED,
    )


def moons():
    X, y = datasets.make_moons(n_samples=1000, noise=0.3, random_state=SEED)
    return thinned(X, y == 1, 50)


def circles():
    X, y = datasets.make_circles(n_samples=1000, noise=0.2, factor=0.5, random_state=SEED)
    return thinned(X, y == 1, 50)


def gaussians():
    """Two unit Gaussians in 5 dimensions, 1.5 apart: the best classifier is linear and known."""
    random = np.random.default_rng(SEED)
    y = _labels(660, 60)
    X = random.normal(size=(len(y), 5))
    X[:, 0] += 1.5 * y
    return X, y


def islands():
    """A minority of four small Gaussian islands in a majority spread evenly over a square."""
    random = np.random.default_rng(SEED)
    y = _labels(660, 60)
    X = random.uniform(-3, 3, size=(len(y), 2))
    centres = np.array([(-1.5, -1.5), (-1.5, 1.5), (1.5, -1.5), (1.5, 1.5)])
    members = np.flatnonzero(y)
    X[members] = centres[np.arange(len(members)) % 4] + 0.35 * random.normal(size=(len(members), 2))
    return X, y


def embeddings():
    """Unit rows in 384 dimensions, the width of MiniLM's sentence vectors.

    24 latent directions carry the variance, as in text embeddings, and one of them the class.
    """
    random = np.random.default_rng(SEED)
    y = _labels(600, 50)
    latent = random.normal(size=(len(y), 24))
    latent[:, 0] += 2.0 * y
    directions = np.linalg.qr(random.normal(size=(384, 24))).Q
    X = latent @ directions.T + 0.2 * random.normal(size=(len(y), 384))
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def wide():
    """More features than rows; 10 of 500 differ between the classes, as in Blagus and Lusa 2013."""
    random = np.random.default_rng(SEED)
    y = _labels(200, 30)
    X = random.normal(size=(len(y), 500))
    X[:, :10] += 0.7 * y[:, np.newaxis]
    return X, y


def _labels(n_rows: int, n_positive: int) -> np.ndarray:
    return (np.arange(n_rows) < n_positive).astype(np.int64)
