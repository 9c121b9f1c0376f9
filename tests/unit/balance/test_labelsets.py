import numpy as np
import pytest

from emotion_slm.balance.targets import combine, of_nearer_parent

Y = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]])


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("seed", [1, 0, 1, 0]),
        ("ranking", [1, 1, 0, 0]),  # three of four; two of four are not more than half
        ("union", [1, 1, 1, 0]),
        ("intersection", [1, 0, 0, 0]),
    ],
)
@pytest.mark.parametrize("dtype", [bool, np.int8, float])
def test_rules(strategy, expected, dtype):
    combined = combine(Y.astype(dtype), np.array([0]), np.array([[1, 2, 3]]), strategy)
    assert combined.dtype == bool
    np.testing.assert_array_equal(combined, [expected])


@pytest.mark.parametrize("strategy", ["seed", "ranking", "union", "intersection"])
def test_a_row_without_neighbours_keeps_its_labels(strategy):
    combined = combine(Y, np.array([3, 0]), np.empty((2, 0), dtype=int), strategy)
    np.testing.assert_array_equal(combined, Y[[3, 0]])


def test_many_voters_do_not_overflow():
    y = np.ones((300, 1), dtype=np.int8)
    assert combine(y, np.array([0]), np.arange(1, 300)[np.newaxis], "intersection").all()


def test_the_nearer_parent_decides():
    parents = np.array(
        [(0, 1, 0.5), (0, 1, 0.51), (0, 1, -0.4), (1, 0, 1.4)],
        dtype=[("seed", int), ("neighbour", int), ("t", float)],
    )
    np.testing.assert_array_equal(of_nearer_parent(Y, parents), Y[[0, 1, 0, 0]])
