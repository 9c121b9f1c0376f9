from pathlib import Path

import numpy as np
import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.training.validation import check_logits, check_step

IDS = ["a", "b", "c", "d"]
BATCHES = [np.array([2, 0]), np.array([1, 3])]


def test_finite_numbers_pass():
    check_step([0.1, 1e30], 3.0, BATCHES, IDS, 7, None)
    check_logits(np.full((4, 28), 1e30, dtype=np.float32), IDS, 7, None)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_bad_loss_names_step_rows_and_checkpoint(bad):
    with pytest.raises(EmotionSlmError) as stopped:
        check_step([0.1, bad], bad, BATCHES, IDS, 7, Path("x/checkpoint-6"))
    assert str(stopped.value).startswith(
        f"training diverged: the loss is {bad} at step 7, rows b, d; the last good checkpoint is "
        "x/checkpoint-6; "
    )


def test_a_bad_gradient_names_all_rows_of_the_step():
    with pytest.raises(EmotionSlmError, match=r"norm is nan at step 7, rows c, a, b, d; no check"):
        check_step([0.1, 0.2], float("nan"), BATCHES, IDS, 7, None)


def test_bad_validation_logits_name_their_rows():
    logits = np.zeros((4, 28), dtype=np.float32)
    logits[1, 3], logits[2, 0] = np.nan, np.inf
    with pytest.raises(EmotionSlmError, match=r"not finite after step 7, rows b, c; no"):
        check_logits(logits, IDS, 7, None)
