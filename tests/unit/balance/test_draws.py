import numpy as np
import pytest
from scipy import stats

from emotion_slm.balance.geometry import draw, private_random_state

N = 100_000


def drawn(expansion, n=N, n_rows=40, k=5, seed=0):
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
