import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from emotion_slm.balance import geometry
from emotion_slm.balance.geometry import extend

X = np.array([[0.0, 0.0], [4.0, 2.0], [1.0, -1.0]])
SEED, NEIGHBOUR = np.array([0, 1, 2, 2]), np.array([1, 0, 1, 2])
T = np.array([0.25, 1.5, -0.5, 0.7])
ROWS = np.array([[1.0, 0.5], [-2.0, -1.0], [-0.5, -2.5], [1.0, -1.0]])

problems = settings(deadline=None, derandomize=True, max_examples=50)


def problem(seed, n=12, d=6, m=40, dtype=np.float64):
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(n, d)).astype(dtype),
        random.integers(0, n, size=m),
        random.integers(0, n, size=m),
        random.triangular(-0.5, 0.5, 1.5, size=m),
    )


def test_rows_lie_where_the_equation_puts_them():
    np.testing.assert_array_equal(extend(X, SEED, NEIGHBOUR, T, False), np.vstack([X, ROWS]))


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_equals_dense(form, normalize, dtype):
    X, *draws = problem(seed=1, dtype=dtype)
    X[np.abs(X) < 0.5] = 0
    extended = extend(form(X), *draws, normalize)
    assert type(extended) is form
    assert extended.dtype == dtype
    dense = extend(X, *draws, normalize)
    if normalize:
        np.testing.assert_allclose(extended.toarray(), dense, rtol=1e-6, atol=1e-7)
    else:
        np.testing.assert_array_equal(extended.toarray(), dense)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("entries", [1, 20, 700, 10**6])
def test_independent_of_chunk_size(monkeypatch, normalize, entries):
    X, *draws = problem(seed=2, n=50, d=7, m=333, dtype=np.float32)
    expected = extend(X, *draws, normalize)
    monkeypatch.setattr(geometry, "CHUNK_ENTRIES", entries)
    np.testing.assert_array_equal(extend(X, *draws, normalize), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8])
def test_originals_come_first_bit_for_bit(dtype):
    X, *draws = problem(seed=3)
    X = np.abs(X * 50).astype(dtype)
    before = X.copy()
    extended = extend(X, *draws, False)
    assert extended.dtype == dtype
    assert extended[: len(X)].tobytes() == before.tobytes() == X.tobytes()


def test_float32_is_computed_in_float64():
    X, seed, neighbour, t = problem(seed=4, d=64, m=500, dtype=np.float32)
    exact = X[seed] + t[:, np.newaxis] * (X[neighbour].astype(np.float64) - X[seed])
    np.testing.assert_allclose(extend(X, seed, neighbour, t, False)[12:], exact, 1e-6, 1e-6)


def test_integers_truncate_and_stay_in_range():
    X = np.array([[10, 0], [250, 5]], dtype=np.uint8)
    extended = extend(X, np.array([0, 1, 0]), np.array([1, 0, 1]), np.array([1.5, 1.5, 0.3]), False)
    np.testing.assert_array_equal(extended[2:], [[255, 7], [0, 0], [82, 1]])


@problems
@given(seed=st.integers(0, 2**31))
def test_collinear_with_both_parents(seed):
    X, seeds, neighbours, t = problem(seed)
    z = extend(X, seeds, neighbours, t, False)[len(X) :]
    difference = X[neighbours] - X[seeds]
    distinct = seeds != neighbours
    recovered = np.einsum("md,md->m", z - X[seeds], difference)[distinct]
    recovered /= np.einsum("md,md->m", difference, difference)[distinct]
    np.testing.assert_allclose(recovered, t[distinct], atol=1e-9)
    off_line = z - X[seeds] - t[:, np.newaxis] * difference
    np.testing.assert_allclose(off_line, 0, atol=1e-12)


@problems
@given(seed=st.integers(0, 2**31))
def test_distance_bounds(seed):
    X, seeds, neighbours, t = problem(seed)
    z = extend(X, seeds, neighbours, t, False)[len(X) :]
    d = np.linalg.norm(X[neighbours] - X[seeds], axis=1)
    to_seed, to_neighbour = (np.linalg.norm(z - X[rows], axis=1) for rows in (seeds, neighbours))
    to_midpoint = np.linalg.norm(z - (X[seeds] + X[neighbours]) / 2, axis=1)
    assert (np.minimum(to_seed, to_neighbour) <= d / 2 + 1e-12).all()
    assert (to_midpoint <= d + 1e-12).all()


@problems
@given(seed=st.integers(0, 2**31))
def test_duplicates_give_the_seed_row(seed):
    X, seeds, _, t = problem(seed)
    z = extend(X, seeds, seeds, t, False)[len(X) :]
    np.testing.assert_array_equal(z, X[seeds])


@problems
@given(seed=st.integers(0, 2**31))
def test_reprojection_stays_on_the_great_circle_of_the_parents(seed):
    X, seeds, neighbours, t = problem(seed)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    straight = extend(X, seeds, neighbours, t, False)[len(X) :]
    d = np.linalg.norm(X[neighbours] - X[seeds], axis=1)
    np.testing.assert_allclose((straight**2).sum(axis=1), 1 - t * (1 - t) * d**2, atol=1e-12)
    z = extend(X, seeds, neighbours, t, True)[len(X) :]
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-12)
    scale = np.linalg.norm(straight, axis=1, keepdims=True)
    np.testing.assert_allclose(z * scale, straight, atol=1e-12)


def test_reprojection_leaves_originals_and_zero_rows():
    X = np.array([[2.0, 0.0], [-2.0, 0.0]])
    extended = extend(X, np.array([0]), np.array([1]), np.array([0.5]), True)
    np.testing.assert_array_equal(extended, [[2, 0], [-2, 0], [0, 0]])


def test_reprojection_of_integers_is_refused():
    with pytest.raises(ValueError, match="floating-point X, found int64"):
        extend(X.astype(np.int64), SEED, NEIGHBOUR, T, True)
