import numpy as np
import pytest

from emotion_slm.common import ranking

GOLD = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=np.int8)
SCORES = np.array([[0.9, 0.6, 0.2], [0.8, 0.5, 0.9], [0.5, 0.1, 0.1]])


def test_mean_average_precision_leaves_out_labels_without_positives():
    # First label: hits at ranks 1 and 3; second: at ranks 2 and 3; third: no positives.
    expected = ((1 + 2 / 3) / 2 + (1 / 2 + 2 / 3) / 2) / 2
    assert ranking.mean_average_precision(GOLD, SCORES) == pytest.approx(expected)
    assert ranking.mean_average_precision(GOLD[:, 2:], SCORES[:, 2:]) == 0.0
    logits = np.log(SCORES / (1 - SCORES))
    assert ranking.mean_average_precision(GOLD, logits) == pytest.approx(expected)


def test_macro_f1_counts_labels_without_positives_as_zero():
    # First label: 2 hits and a false alarm; second: 1 hit, a false alarm, a miss.
    assert ranking.macro_f1(GOLD, SCORES) == pytest.approx((0.8 + 0.5 + 0) / 3)
    assert ranking.macro_f1(GOLD, SCORES, threshold=0.85) == pytest.approx((2 / 3 + 0 + 0) / 3)
