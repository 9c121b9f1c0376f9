"""What is random about a synthetic row: its seed row, its neighbour, its coefficient."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state


class Draws(NamedTuple):
    """Random choices for m synthetic rows of one class of n rows.

    `seed`: (m,) int64 in [0, n), row of the class; `rank`: (m,) int64 in [0, k), which of the
    seed's k nearest neighbours; `t`: (m,) float64, position on the line from seed to neighbour.
    """

    seed: np.ndarray
    rank: np.ndarray
    t: np.ndarray


def private_random_state(random_state) -> np.random.RandomState:
    """`random_state` as a RandomState; None gives a fresh one instead of NumPy's global one."""
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def draw(
    random: np.random.RandomState, n_rows: int, k: int, n_samples: int, expansion: str
) -> Draws:
    """Draw seeds, neighbour ranks and coefficients for `n_samples` rows.

    `expansion`: "segment" is ISMOTE (Li et al. 2025): t = s + r if s ≤ ½ else s − r, with s and r
    independent U(0, 1), hence Triangular(−½, ½, 1½); "none" is SMOTE (Chawla et al. 2002): t = s;
    "copy" is random oversampling: t = 0 and rank 0.
    """
    if expansion == "copy":
        seed = random.randint(low=0, high=n_rows, size=n_samples)
        return Draws(seed, np.zeros_like(seed), np.zeros(n_samples))
    # imbalanced-learn's SMOTE draws pairs and then steps in this order; "none" must equal it.
    pair = random.randint(low=0, high=n_rows * k, size=n_samples)
    s = random.uniform(size=n_samples)
    if expansion == "none":
        return Draws(pair // k, pair % k, s)
    r = random.uniform(size=n_samples)
    return Draws(pair // k, pair % k, np.where(s <= 0.5, s + r, s - r))
