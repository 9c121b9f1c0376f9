import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from emotion_slm.balance.neighbours import nearest


def distances_to(rows, query):
    return np.linalg.norm(rows - rows[query], axis=1)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(2, 30),
    d=st.sampled_from([1, 3, 20]),
    k=st.integers(1, 6),
    n_values=st.sampled_from([2, 1000]),
)
def test_distances_are_those_of_a_full_sort(seed, n, d, k, n_values):
    # Small integers: many duplicates and ties, and distances without rounding.
    rows = np.random.default_rng(seed).integers(0, n_values, size=(n, d)).astype(float)
    k = min(k, n - 1)
    found = nearest(rows, np.arange(n), k)
    assert found.shape == (n, k)
    for query in range(n):
        distances = distances_to(rows, query)
        assert query not in found[query]
        assert len(set(found[query])) == k
        expected = np.sort(np.delete(distances, query))[:k]
        np.testing.assert_allclose(distances[found[query]], expected, atol=1e-9)


@pytest.mark.parametrize("as_matrix", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_queries_choose_the_rows_asked_about(as_matrix):
    rows = np.array([[0.0], [1.0], [3.0], [7.0]])
    found = nearest(as_matrix(rows), np.array([3, 0]), 2)
    np.testing.assert_array_equal(found, [[2, 1], [1, 2]])


def test_a_row_is_never_its_own_neighbour_among_duplicates():
    rows = np.zeros((12, 20), dtype=np.float32)
    found = nearest(rows, np.arange(12), 3)
    assert not (found == np.arange(12)[:, np.newaxis]).any()


def test_no_neighbours_asked():
    assert nearest(np.zeros((1, 2)), np.array([0]), 0).shape == (1, 0)
