import doctest
import sys

import numpy as np
import pytest
from sklearn.base import clone

from emotion_slm.balance import neighbours as approximate
from emotion_slm.balance.ismote import ISMOTE, MultiLabelISMOTE
from emotion_slm.balance.neighbours import ApproximateNeighbors, nearest


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
    results = doctest.testmod(approximate)
    assert results.attempted > 0 and results.failed == 0
