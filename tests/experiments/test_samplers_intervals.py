import numpy as np
import pytest
from sampler_comparison.intervals import over_folds, over_problems


def test_over_folds_is_the_corrected_interval_computed_by_hand():
    # s² = 1, n = 3: variance 1/3 + 1/4 = 7/12, its root .763763; t(.975, 2) = 4.302653.
    interval = over_folds(np.array([1.0, 2.0, 3.0]), test_to_train=0.25, confidence=0.95)
    assert interval == pytest.approx((2, 2 - 3.286206, 2 + 3.286206), abs=1e-5)


def test_over_problems_is_students_interval_computed_by_hand():
    # The root of 1/3 is .577350.
    interval = over_problems(np.array([1.0, 2.0, 3.0]), confidence=0.95)
    assert interval == pytest.approx((2, 2 - 2.484138, 2 + 2.484138), abs=1e-5)


def test_more_folds_hardly_narrow_the_corrected_interval():
    few, many = (
        over_folds(np.tile([0.0, 1.0], n), test_to_train=0.25, confidence=0.95) for n in (25, 2500)
    )
    assert 0.9 < (many.high - many.low) / (few.high - few.low) < 1


def test_equal_differences_have_an_interval_without_width():
    assert over_folds(np.zeros(50), 0.25, 0.95) == (0, 0, 0)
