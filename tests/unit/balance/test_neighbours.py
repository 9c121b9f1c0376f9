import doctest
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors

from emotion_slm.balance import neighbours
from emotion_slm.balance.ismote import ISMOTE, MultiLabelISMOTE
from emotion_slm.balance.neighbours import ApproximateNeighbors, nearest, split_parameter


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


# -- many rows in many dimensions: float32 products, certified ---------------------------------


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    k=st.integers(1, 7),
    d=st.sampled_from([16, 40]),
    scale=st.sampled_from([2.0**-100, 2.0**-10, 1.0, 2.0**13, 2.0**100]),
    offset=st.sampled_from([0.0, 1.0, 1e5]),
    clusters=st.sampled_from([1, 30, 600]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_float32_products_find_what_a_full_sort_finds(seed, k, d, scale, offset, clusters, dtype):
    random = np.random.default_rng(seed)
    n = 600
    centres = random.normal(size=(clusters, d)) + offset
    spread = 0 if clusters == 30 else 1e-3  # 30: rows that are duplicates of one another
    rows = centres[random.integers(0, clusters, n)] + spread * random.normal(size=(n, d))
    rows = (rows * scale).astype(dtype)  # powers of two scale without rounding
    squares = cdist(rows / dtype(scale), rows / dtype(scale), "sqeuclidean")
    np.fill_diagonal(squares, np.inf)
    found = nearest(rows, np.arange(n), k)
    # scikit-learn, which answers for rows that are not certain, expands the square in float64.
    rounding = 64 * np.finfo(float).eps * d * (offset + 4) ** 2
    np.testing.assert_allclose(
        np.take_along_axis(squares, found, axis=1),
        np.sort(squares, axis=1)[:, :k],
        rtol=1e-9,
        atol=rounding,
    )
    answers, certain = neighbours._in_float32(rows, np.arange(n), k)
    true = squares.argsort(axis=1)[:, :k]
    np.testing.assert_array_equal(answers[certain], true[certain])


def test_ordinary_rows_are_certain_and_duplicates_are_not():
    rows = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
    assert neighbours._in_float32(rows, np.arange(2000), 5)[1].mean() > 0.9
    rows[1000:] = rows[:1000]
    rows[500:1000] = rows[:500]
    certain = neighbours._in_float32(rows, np.arange(2000), 5)[1]
    assert not certain[:1000].any()


@pytest.mark.parametrize("entries", [1, 5000, 10**7])
def test_independent_of_block_size_and_of_which_rows_ask(monkeypatch, entries):
    rows = np.random.default_rng(0).normal(size=(700, 20)).astype(np.float32)
    expected = nearest(rows, np.arange(700), 4)
    monkeypatch.setattr(neighbours, "BLOCK_ENTRIES", entries)
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 1)
    some = np.array([699, 3, 250])
    np.testing.assert_array_equal(nearest(rows, np.arange(700), 4), expected)
    np.testing.assert_array_equal(nearest(rows, some, 4), expected[some])


def test_products_beyond_float32_are_left_to_float64():
    random = np.random.default_rng(0)
    rows = random.normal(size=(600, 20)) * random.uniform(0.3, 1.5, size=(600, 1)) * 1e19
    rows[300:] = rows[:300] * (1 + 1e-2 * random.normal(size=(300, 20)))
    everyone = np.arange(600)
    found = nearest(rows, everyone, 5)
    np.testing.assert_array_equal(found, nearest(rows * 2.0**-64, everyone, 5))


def test_distances_beyond_float64_are_refused():
    rows = np.clip(np.random.default_rng(0).normal(size=(20, 6)), -1, 1) * 1e300
    with pytest.raises(ValueError, match="distances between rows overflow: scale X down"):
        nearest(rows, np.arange(20), 4)


# -- a search of the user's choice ------------------------------------------------------------


def test_an_estimator_searches_in_its_own_way():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    by_city_block = NearestNeighbors(n_neighbors=4, metric="manhattan")
    found = nearest(rows, np.arange(50), 3, by_city_block)
    distances = pairwise_distances(rows, metric="manhattan")
    np.testing.assert_array_equal(found, distances.argsort(axis=1)[:, 1:4])
    assert not hasattr(by_city_block, "n_samples_fit_")  # it was cloned


def test_the_parameter_is_a_number_or_an_estimator_that_counts_the_row_itself():
    search = NearestNeighbors(n_neighbors=6)
    assert split_parameter(5) == (5, None)
    assert split_parameter(search) == (5, search)
    for bad in (NearestNeighbors(n_neighbors=1), KNeighborsTransformer(n_neighbors="5"), object()):
        with pytest.raises(ValueError, match="n_neighbors of 2 or more"):
            split_parameter(bad)


def test_a_search_that_finds_too_few_is_refused():
    class Blind(NearestNeighbors):
        def kneighbors(self, X, n_neighbors, return_distance):
            return np.full((len(X), n_neighbors), -1)

    with pytest.raises(ValueError, match=r"Blind\(\) found fewer than 3 neighbours"):
        nearest(np.eye(9), np.arange(9), 2, Blind())


def clustered(n, d=32):
    """Rows near a few dimensions, as embeddings are."""
    random = np.random.default_rng(0)
    return (random.normal(size=(n, 6)) @ random.normal(size=(6, d))).astype(np.float32)


def recall(rows, **options):
    queries = np.arange(len(rows))
    found = nearest(rows, queries, 5, ApproximateNeighbors(n_neighbors=6, **options))
    true = nearest(rows, queries, 5)
    return np.mean([len(set(a) & set(b)) / 5 for a, b in zip(found, true, strict=True)])


def test_finds_nearly_all_true_neighbours():
    rows = clustered(6000)
    assert recall(rows) > 0.97
    assert recall(rows, n_probes=1) < recall(rows, n_probes=4) < recall(rows)


def test_a_small_class_is_searched_exactly():
    assert recall(clustered(100)) == 1


def test_reproducible():
    rows = clustered(3000)
    search = ApproximateNeighbors(n_neighbors=4)
    first, again = (nearest(rows, np.arange(3000), 3, search) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_distances_are_euclidean_and_the_row_itself_comes_first():
    rows = clustered(500)
    distances, found = ApproximateNeighbors(n_neighbors=3).fit(rows).kneighbors(rows[:7])
    np.testing.assert_array_equal(found[:, 0], np.arange(7))
    true = np.linalg.norm(rows[found[:, 1]] - rows[:7], axis=1)
    np.testing.assert_allclose(distances[:, 1], true, rtol=1e-3)


def test_serves_both_samplers():
    X = clustered(800)
    y = (np.arange(800) < 300).astype(int)
    search = ApproximateNeighbors(n_neighbors=6)
    sampler = clone(ISMOTE(k_neighbors=search, random_state=0))
    assert len(sampler.fit_resample(X, y)[0]) == 1000
    sampler = MultiLabelISMOTE(k_neighbors=search, sampling_strategy=600, random_state=0)
    sampler.fit_resample(X, np.column_stack([y, 1 - y]))
    assert min(sampler.counts_after_.values()) == 600


def test_without_faiss_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[ann\]'"):
        ApproximateNeighbors().fit(clustered(10))


def test_the_example_in_the_docstring_runs():
    results = doctest.testmod(neighbours)
    assert results.attempted > 0 and results.failed == 0
