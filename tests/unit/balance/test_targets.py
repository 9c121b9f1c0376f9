import numpy as np
import pytest

from emotion_slm.balance.targets import (
    column_of,
    combine,
    irlbl,
    mean_ir,
    of_nearer_parent,
    resolve,
)

NAMES = ["joy", "anger", "grief", "pride"]
COUNTS = np.array([90, 60, 9, 0])


def test_an_int_is_the_target_of_all_but_the_excluded():
    assert resolve(50, COUNTS, NAMES, {1}) == {0: 50, 2: 50, 3: 50}


def test_a_ratio_is_a_share_of_the_most_frequent_label():
    assert resolve(0.5, COUNTS, NAMES, set()) == dict.fromkeys(range(4), 45)
    # 0.29 × 100 is a little less than 29 in floating point.
    assert resolve(0.29, np.array([100]), ["joy"], set()) == {0: 29}


@pytest.mark.parametrize("counts", [[90, 60, 9, 0], [5, 5, 5, 5], [17772, 5122, 96, 142]])
def test_auto_leaves_exactly_the_labels_above_mean_ir_below_target(counts):
    counts = np.array(counts)
    targets = resolve("auto", counts, NAMES, set())
    above = {column for column in range(4) if irlbl(counts)[column] > mean_ir(counts)}
    below = {column for column in targets if 0 < counts[column] < targets[column]}
    assert below == above


def test_a_mapping_speaks_of_its_labels_only():
    assert resolve({"grief": 20, "joy": 5}, COUNTS, NAMES, {1}) == {2: 20, 0: 5}
    assert resolve({2: 20}, COUNTS, range(4), set()) == {2: 20}


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ({"greif": 20}, "no label 'greif'; did you mean 'grief'"),
        ({"anger": 20}, "'anger' is in sampling_strategy and in exclude_labels"),
        ({"joy": 0.5}, "'joy': 0.5 is no number of rows"),
        ({"joy": -1}, "'joy': -1 is no number of rows"),
    ],
)
def test_mistakes_are_named(strategy, message):
    with pytest.raises(ValueError, match=message):
        resolve(strategy, COUNTS, NAMES, {1})


def test_column_of_names_what_is_known():
    assert column_of("grief", NAMES) == 2
    with pytest.raises(ValueError, match="no label 9"):
        column_of(9, range(4))


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


def test_irlbl_relates_each_label_to_the_most_frequent_one():
    np.testing.assert_array_equal(irlbl(np.array([100, 50, 4])), [1, 2, 25])


def test_labels_without_rows_are_left_out_of_mean_ir():
    assert mean_ir(np.array([100, 50, 0, 4])) == pytest.approx(28 / 3)
    assert np.isnan(irlbl(np.array([100, 0]))[1])


def test_no_rows_at_all():
    assert np.isnan(mean_ir(np.zeros(3, dtype=int)))
