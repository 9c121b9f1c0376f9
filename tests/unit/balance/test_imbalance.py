import numpy as np
import pytest

from emotion_slm.balance.targets import irlbl, mean_ir


def test_irlbl_relates_each_label_to_the_most_frequent_one():
    np.testing.assert_array_equal(irlbl(np.array([100, 50, 4])), [1, 2, 25])


def test_labels_without_rows_are_left_out_of_mean_ir():
    assert mean_ir(np.array([100, 50, 0, 4])) == pytest.approx(28 / 3)
    assert np.isnan(irlbl(np.array([100, 0]))[1])


def test_no_rows_at_all():
    assert np.isnan(mean_ir(np.zeros(3, dtype=int)))
