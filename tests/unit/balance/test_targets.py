import numpy as np
import pytest

from emotion_slm.balance.targets import column_of, irlbl, mean_ir, resolve

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
