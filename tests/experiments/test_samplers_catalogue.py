import numpy as np
import pytest
from sampler_comparison.catalogue import CATALOGUE

# Rows, features, positives.
SIZES = {
    "breast cancer": (397, 30, 40),
    "wine": (145, 13, 15),
    "iris": (115, 4, 15),
    "digits": (1797, 64, 174),
    "diabetes": (442, 10, 47),
    "redundant": (1000, 20, 54),
    "noisy": (800, 10, 95),
    "extreme": (2000, 8, 20),
    "moons": (550, 2, 50),
    "circles": (550, 2, 50),
    "gaussians": (660, 5, 60),
    "islands": (660, 2, 60),
    "embeddings": (600, 384, 50),
    "wide": (200, 500, 30),
}


def test_the_catalogue_is_complete():
    assert [problem.name for problem in CATALOGUE] == list(SIZES)


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda problem: problem.name)
def test_a_problem_has_its_size_and_is_the_same_every_time(problem):
    X, y = problem.make()
    assert (*X.shape, y.sum()) == SIZES[problem.name]
    assert X.dtype == np.float64 and np.isfinite(X).all()
    assert set(y.tolist()) == {0, 1}
    again, labels = problem.make()
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, labels)


def test_embeddings_are_unit_rows():
    X, _ = next(problem for problem in CATALOGUE if problem.name == "embeddings").make()
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1)


def test_thinning_keeps_rows_of_the_original():
    from sampler_comparison import real
    from sklearn.datasets import load_breast_cancer

    original, target = load_breast_cancer(return_X_y=True)
    malignant = {tuple(row) for row in original[target == 0]}
    X, y = real.breast_cancer()
    assert all(tuple(row) in malignant for row in X[y == 1])
    assert len({tuple(row) for row in X[y == 1]}) == 40
