import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from emotion_slm.balance import geometry
from emotion_slm.balance.geometry import PARENTS, draw, extend, private_random_state

X = np.array([[0.0, 0.0], [4.0, 2.0], [1.0, -1.0]])
DRAWN = np.array([(0, 1, 0.25), (1, 0, 1.5), (2, 1, -0.5), (2, 2, 0.7)], dtype=PARENTS)
ROWS = np.array([[1.0, 0.5], [-2.0, -1.0], [-0.5, -2.5], [1.0, -1.0]])

problems = settings(deadline=None, derandomize=True, max_examples=50)


def problem(seed, n=12, d=6, m=40, dtype=np.float64):
    random = np.random.default_rng(seed)
    drawn = np.empty(m, dtype=PARENTS)
    drawn["seed"], drawn["neighbour"] = random.integers(0, n, size=(2, m))
    drawn["t"] = random.triangular(-0.5, 0.5, 1.5, size=m)
    return random.normal(size=(n, d)).astype(dtype), drawn


def test_rows_lie_where_the_equation_puts_them():
    np.testing.assert_array_equal(extend(X, DRAWN, False), np.vstack([X, ROWS]))


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_equals_dense(form, normalize, dtype):
    X, drawn = problem(seed=1, dtype=dtype)
    X[np.abs(X) < 0.5] = 0
    extended = extend(form(X), drawn, normalize)
    assert type(extended) is form
    assert extended.dtype == dtype
    dense = extend(X, drawn, normalize)
    if normalize:
        np.testing.assert_allclose(extended.toarray(), dense, rtol=1e-6, atol=1e-7)
    else:
        np.testing.assert_array_equal(extended.toarray(), dense)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("entries", [1, 20, 700, 10**6])
def test_independent_of_chunk_size(monkeypatch, normalize, entries):
    X, drawn = problem(seed=2, n=50, d=7, m=333, dtype=np.float32)
    expected = extend(X, drawn, normalize)
    monkeypatch.setattr(geometry, "CHUNK_ENTRIES", entries)
    np.testing.assert_array_equal(extend(X, drawn, normalize), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8])
def test_originals_come_first_bit_for_bit(dtype):
    X, drawn = problem(seed=3)
    X = np.abs(X * 50).astype(dtype)
    before = X.copy()
    extended = extend(X, drawn, False)
    assert extended.dtype == dtype
    assert extended[: len(X)].tobytes() == before.tobytes() == X.tobytes()


def test_float32_is_computed_in_float64():
    X, drawn = problem(seed=4, d=64, m=500, dtype=np.float32)
    X *= 1000  # where a float32 difference would show
    exact = X.astype(np.float64)
    step = exact[drawn["neighbour"]] - exact[drawn["seed"]]
    z = exact[drawn["seed"]] + drawn["t"][:, np.newaxis] * step
    np.testing.assert_array_equal(extend(X, drawn, False)[12:], z.astype(np.float32))
    assert not np.array_equal(extend(X, drawn, False, np.float32)[12:], z.astype(np.float32))


def test_integers_truncate_and_stay_in_range():
    X = np.array([[10, 0], [250, 5]], dtype=np.uint8)
    extended = extend(X, np.array([(0, 1, 1.5), (1, 0, 1.5), (0, 1, 0.3)], dtype=PARENTS), False)
    np.testing.assert_array_equal(extended[2:], [[255, 7], [0, 0], [82, 1]])


def test_integers_stay_in_a_range_that_no_float_ends():
    X = np.array([[0], [np.iinfo(np.int64).max]])
    z = extend(X, np.array([(0, 1, 1.5), (1, 0, 1.5)], dtype=PARENTS), False)[2:]
    np.testing.assert_array_equal(z, [[2**63 - 1024], [-(2**62)]])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_booleans_round(form):
    X = form(np.array([[False], [True]]))
    drawn = np.array([(0, 1, 0.4), (0, 1, 0.6), (0, 1, -0.3), (0, 1, 1.2)], dtype=PARENTS)
    extended = extend(X, drawn, False)
    assert extended.dtype == bool
    z = extended.toarray()[2:] if sparse.issparse(extended) else extended[2:]
    np.testing.assert_array_equal(z, [[False], [True], [False], [True]])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_row_that_overflows_is_refused(form):
    X = form(np.array([[-3e38], [3e38]], dtype=np.float32))
    with pytest.raises(ValueError, match="synthetic rows overflow float32: scale X down"):
        extend(X, np.array([(0, 1, 1.5)], dtype=PARENTS), False)


@problems
@given(seed=st.integers(0, 2**31))
def test_collinear_with_both_parents(seed):
    X, drawn = problem(seed)
    seeds, neighbours, t = drawn["seed"], drawn["neighbour"], drawn["t"]
    z = extend(X, drawn, False)[len(X) :]
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
    X, drawn = problem(seed)
    seeds, neighbours = drawn["seed"], drawn["neighbour"]
    z = extend(X, drawn, False)[len(X) :]
    d = np.linalg.norm(X[neighbours] - X[seeds], axis=1)
    to_seed, to_neighbour = (np.linalg.norm(z - X[rows], axis=1) for rows in (seeds, neighbours))
    to_midpoint = np.linalg.norm(z - (X[seeds] + X[neighbours]) / 2, axis=1)
    assert (np.minimum(to_seed, to_neighbour) <= d / 2 + 1e-12).all()
    assert (to_midpoint <= d + 1e-12).all()


@problems
@given(seed=st.integers(0, 2**31))
def test_duplicates_give_the_seed_row(seed):
    X, drawn = problem(seed)
    drawn["neighbour"] = drawn["seed"]
    np.testing.assert_array_equal(extend(X, drawn, False)[len(X) :], X[drawn["seed"]])


@problems
@given(seed=st.integers(0, 2**31))
def test_reprojection_stays_on_the_great_circle_of_the_parents(seed):
    X, drawn = problem(seed)
    seeds, neighbours, t = drawn["seed"], drawn["neighbour"], drawn["t"]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    straight = extend(X, drawn, False)[len(X) :]
    d = np.linalg.norm(X[neighbours] - X[seeds], axis=1)
    np.testing.assert_allclose((straight**2).sum(axis=1), 1 - t * (1 - t) * d**2, atol=1e-12)
    z = extend(X, drawn, True)[len(X) :]
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-12)
    scale = np.linalg.norm(straight, axis=1, keepdims=True)
    np.testing.assert_allclose(z * scale, straight, atol=1e-12)


def test_reprojection_leaves_originals_and_zero_rows():
    X = np.array([[2.0, 0.0], [-2.0, 0.0]])
    extended = extend(X, np.array([(0, 1, 0.5)], dtype=PARENTS), True)
    np.testing.assert_array_equal(extended, [[2, 0], [-2, 0], [0, 0]])


def test_reprojection_of_integers_is_refused():
    with pytest.raises(ValueError, match="floating-point X, found int64"):
        extend(X.astype(np.int64), DRAWN, True)


def test_independent_of_the_number_of_threads(monkeypatch):
    X, drawn = problem(seed=5, n=50, d=7, m=333, dtype=np.float32)
    monkeypatch.setattr(geometry, "CHUNK_ENTRIES", 7)
    expected = extend(X, drawn, False)
    for threads in (1, 5):
        monkeypatch.setattr(geometry, "cpu_count", lambda threads=threads: threads)
        np.testing.assert_array_equal(extend(X, drawn, False), expected)


def test_no_synthetic_row_at_all():
    np.testing.assert_array_equal(extend(X, DRAWN[:0], False), X)


DRAWS = 100_000


def drawn(expansion, n=DRAWS, n_rows=40, k=5, seed=0):
    return draw(np.random.RandomState(seed), n_rows, k, n, expansion)


def test_segment_coefficients_are_triangular():
    t = drawn("segment").t
    assert t.min() >= -0.5 and t.max() <= 1.5
    assert stats.kstest(t, stats.triang(c=0.5, loc=-0.5, scale=2).cdf).pvalue > 0.01
    assert t.var() == pytest.approx(1 / 6, rel=0.02)


def test_a_quarter_of_the_segment_draws_lies_outside():
    t = drawn("segment").t
    # Standard error of the share: 0.0014.
    assert np.mean((t < 0) | (t > 1)) == pytest.approx(0.25, abs=0.006)


def test_none_coefficients_are_uniform():
    t = drawn("none").t
    assert stats.kstest(t, stats.uniform().cdf).pvalue > 0.01


def test_segment_expands_the_draws_of_none():
    segment, none = drawn("segment", n=500), drawn("none", n=500)
    np.testing.assert_array_equal(segment.seed, none.seed)
    np.testing.assert_array_equal(segment.rank, none.rank)
    random = np.random.RandomState(0)
    random.randint(0, 200, size=500)
    for s, r, t in zip(random.uniform(size=500), random.uniform(size=500), segment.t, strict=True):
        assert t == (s + r if s <= 0.5 else s - r)


@pytest.mark.parametrize("expansion", ["segment", "none"])
def test_seeds_and_ranks_are_uniform_and_independent(expansion):
    draws = drawn(expansion)
    table = np.zeros((40, 5))
    np.add.at(table, (draws.seed, draws.rank), 1)
    assert stats.chisquare(table.ravel()).pvalue > 0.01


def test_copy_draws_rows_alone():
    draws = drawn("copy")
    assert stats.chisquare(np.bincount(draws.seed, minlength=40)).pvalue > 0.01
    assert not draws.t.any()
    assert not draws.rank.any()


def test_no_seed_leaves_the_global_random_state_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = private_random_state(None).uniform(), private_random_state(None).uniform()
    assert first != second
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_random_state_instance_is_used_as_it_is():
    random = np.random.RandomState(3)
    assert private_random_state(random) is random
