"""Who is timed: each grows class 1 of a data set by `n_new` rows, k = 5 neighbours, seed 0.

`whole(name)` is the call a user makes; `generation(name)` what is left of it when the neighbours
are known. Both take X (n, d) float32, y (n,) and n_new, and return the synthetic rows' count.
"""

from collections.abc import Callable

import numpy as np

K = 5


def problem(class_rows: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embedding-like rows: 24 latent dimensions, 200 clusters and noise, in d float32 columns.

    Class 1 has `class_rows` rows, class 0 ten more, so that class 1 is the minority.
    """
    random = np.random.default_rng(seed)
    n = 2 * class_rows + 10
    latent = (
        random.normal(size=(n, 24)) + 2 * random.normal(size=(200, 24))[random.integers(0, 200, n)]
    )
    noise = random.normal(size=(n, d))
    X = (latent @ random.normal(size=(24, d)) + 0.3 * noise).astype(np.float32)
    return X, (np.arange(n) < class_rows).astype(np.int64)


def whole(name: str) -> Callable[[np.ndarray, np.ndarray, int], int]:
    """The complete call of a contender."""
    return {
        "ismote": _ismote,
        "ismote-approximate": _ismote_approximate,
        "imblearn-smote": _imblearn_smote,
        "smote-variants": _smote_variants,
        "loop": _loop,
    }[name]


def generation(name: str) -> Callable[[np.ndarray, np.ndarray, int], Callable[[], int]]:
    """The generation of rows alone: given X and y, finds neighbours and returns what is timed."""
    return {"ismote": _ismote_generation, "imblearn-smote": _imblearn_generation}[name]


def _ismote(X, y, n_new):
    from emotion_slm.balance.ismote import ISMOTE

    sampler = ISMOTE(sampling_strategy=_target(y, n_new), k_neighbors=K, random_state=0)
    return len(sampler.fit_resample(X, y)[0]) - len(X)


def _ismote_approximate(X, y, n_new):
    from emotion_slm.balance.ismote import ISMOTE
    from emotion_slm.balance.neighbours import ApproximateNeighbors

    sampler = ISMOTE(
        sampling_strategy=_target(y, n_new),
        k_neighbors=ApproximateNeighbors(n_neighbors=K + 1),
        random_state=0,
    )
    return len(sampler.fit_resample(X, y)[0]) - len(X)


def _imblearn_smote(X, y, n_new):
    from imblearn.over_sampling import SMOTE

    sampler = SMOTE(sampling_strategy=_target(y, n_new), k_neighbors=K, random_state=0)
    return len(sampler.fit_resample(X, y)[0]) - len(X)


def _smote_variants(X, y, n_new):
    from smote_variants import SMOTE

    # It makes proportion × (majority − minority) rows.
    proportion = n_new / (np.sum(y == 0) - np.sum(y == 1))
    sampler = SMOTE(proportion=proportion, n_neighbors=K, n_jobs=2, random_state=0)
    return len(sampler.sample(X, y)[0]) - len(X)


def _loop(X, y, n_new):
    from sklearn.neighbors import NearestNeighbors

    rows = X[y == 1]
    near = NearestNeighbors(n_neighbors=K + 1).fit(rows).kneighbors(rows, return_distance=False)
    random = np.random.default_rng(0)
    synthetic = []
    for _ in range(n_new):
        seed = random.integers(len(rows))
        neighbour = near[seed, random.integers(1, K + 1)]
        s, r = random.random(2)
        t = s + r if s <= 0.5 else s - r
        synthetic.append(rows[seed] + t * (rows[neighbour] - rows[seed]))
    return len(np.vstack([X, np.array(synthetic, dtype=X.dtype)])) - len(X)


def _ismote_generation(X, y, n_new):
    from emotion_slm.balance.geometry import PARENTS, draw, extend
    from emotion_slm.balance.neighbours import nearest

    rows = X[y == 1]
    near = nearest(rows, np.arange(len(rows)), K)

    def generate() -> int:
        seed, rank, t = draw(np.random.RandomState(0), len(rows), K, n_new, "segment")
        parents = np.empty(n_new, PARENTS)
        parents["seed"], parents["neighbour"], parents["t"] = seed, near[seed, rank], t
        return len(extend(rows, parents, normalize=False)) - len(rows)

    return generate


def _imblearn_generation(X, y, n_new):
    from imblearn.over_sampling import SMOTE
    from sklearn.neighbors import NearestNeighbors

    rows = X[y == 1]
    search = NearestNeighbors(n_neighbors=K + 1).fit(rows)
    near = search.kneighbors(rows, return_distance=False)[:, 1:]
    sampler = SMOTE(k_neighbors=K, random_state=0)
    return lambda: len(sampler._make_samples(rows, y.dtype, 1, rows, near, n_new)[0])


def _target(y: np.ndarray, n_new: int) -> dict[int, int]:
    # Class 0 is listed too: a sampler may not shrink, and this leaves it as it is.
    return {0: int(np.sum(y == 0)), 1: int(np.sum(y == 1)) + n_new}
