"""Synthetic rows on the line through a seed row and its neighbour.

z = x_i + t (x_j − x_i), after Li et al. 2025 (doi 10.1038/s41598-025-09506-w). ‖z‖² of unit parents
at distance d is 1 − t (1 − t) d²; re-projection moves z along their great circle.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from joblib import cpu_count
from scipy import sparse
from sklearn.preprocessing import normalize as unit_rows
from sklearn.utils import check_random_state

# Who the parents of a synthetic row are and where between or beyond them it lies.
PARENTS = np.dtype([("seed", np.int64), ("neighbour", np.int64), ("t", np.float64)])

# 1 MiB of float64: the temporaries of a chunk stay in the processor's cache.
CHUNK_ENTRIES = 2**17


def extend(X, parents: np.ndarray, normalize: bool, difference: np.dtype = np.float64):
    """`X` followed by one synthetic row per entry of `parents`.

    `X`: (n, d) array, or CSR or CSC matrix; `parents`: (m,) with fields `seed` and `neighbour`,
    indices into X, and `t`. x_j − x_i is taken in dtype `difference`, the rest in float64, rounded
    once at the end. Returns (n + m, d) in the type, dtype and format of `X`; integer dtypes
    truncate, as imbalanced-learn's do, within their range; booleans round. `normalize` re-projects
    each synthetic row onto the unit sphere (a zero row stays zero). ValueError for `normalize` and
    integer `X`, and when a row overflows its dtype.
    """
    if normalize and X.dtype.kind != "f":
        raise ValueError(f"normalize=True needs floating-point X, found {X.dtype}")
    if sparse.issparse(X):
        rows = X.tocsr()
        z = _between(rows[parents["seed"]], rows[parents["neighbour"]], parents["t"], difference)
        z = z.tocsr()
        if normalize:
            z = unit_rows(z, copy=False)
        z.data = _rounded(z.data, X.dtype)
        return sparse.vstack([X, z], format=X.format)
    extended = np.empty((len(X) + len(parents), X.shape[1]), dtype=X.dtype)
    extended[: len(X)] = X
    _fill(extended[len(X) :], X, parents, normalize, difference)
    return extended


def _fill(out: np.ndarray, X: np.ndarray, parents: np.ndarray, normalize: bool, difference):
    """Write the synthetic rows into `out`, (m, d), chunk by chunk on every processor."""

    def fill(start: int) -> None:
        chunk = slice(start, start + step)
        seed, neighbour = X[parents["seed"][chunk]], X[parents["neighbour"][chunk]]
        z = _between(seed, neighbour, parents["t"][chunk], difference)
        if normalize:
            z = unit_rows(z, copy=False)
        out[chunk] = _rounded(z, X.dtype)

    step = max(1, CHUNK_ENTRIES // X.shape[1])
    starts = range(0, len(parents), step)
    # NumPy lets go of the interpreter while it computes: threads share the work. Each row is
    # computed by one of them, so their number changes nothing.
    with ThreadPoolExecutor(min(cpu_count(), max(1, len(starts)))) as pool:
        list(pool.map(fill, starts))


def _between(seed, neighbour, t: np.ndarray, difference):
    """x_i + t (x_j − x_i) in float64, for (m, d) rows x_i, x_j and (m,) coefficients."""
    seed = seed.astype(difference, copy=False)
    step = neighbour.astype(difference, copy=False) - seed
    if sparse.issparse(step):
        return seed + step.multiply(t[:, np.newaxis])
    step = step.astype(np.float64, copy=False)
    step *= t[:, np.newaxis]
    step += seed
    return step


def _rounded(z: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`z`, (…) float64, in `dtype`: integers truncate within their range, booleans round.

    ValueError when a value is too large for a floating-point `dtype`.
    """
    if dtype.kind == "b":
        return z >= 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        # The largest float64 that an int64 can hold lies well below the largest int64.
        return np.clip(z, limits.min, np.nextafter(float(limits.max) + 1, 0)).astype(dtype)
    try:
        with np.errstate(over="raise"):
            return z.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(f"synthetic rows overflow {dtype}: scale X down") from None


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
