import numpy as np
import pytest
from scipy.special import expit

from emotion_slm.evaluation.evaluate import Scored, evaluate
from emotion_slm.labels import LABELS
from emotion_slm.params.thresholds import ThresholdParams

PARAMS = ThresholdParams(grid_step=0.01, shrinkages=[0, 10], folds=5)


def scored(rows: int, seed: int, shift: float = 0.0) -> Scored:
    """Logits whose sigmoid is right when `shift` is 0; each row is a group of its own."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1.5, 2, (rows, len(LABELS)))
    gold = (random.random(logits.shape) < expit(logits)).astype(np.int8)
    return Scored((logits + shift).astype(np.float32), gold, np.arange(rows))


@pytest.fixture(scope="module")
def shifted():
    """A model whose logits are all 3 too high."""
    return evaluate(scored(1500, 1, shift=3), scored(1500, 2, shift=3), PARAMS, seed=0)


def test_calibration_undoes_a_shift(shifted):
    assert shifted.test["ece"] < 0.05 < shifted.test["at_0_5"]["ece"]
    assert shifted.test["brier"] < shifted.test["at_0_5"]["brier"]
    np.testing.assert_allclose(shifted.calibration.slope, 1, atol=0.35)
    np.testing.assert_allclose(shifted.calibration.intercept, -3, atol=1.2)


def test_tuned_thresholds_beat_a_half_on_a_shifted_model(shifted):
    assert shifted.test["macro_f1"] > shifted.test["at_0_5"]["macro_f1"] + 0.05


def test_ranking_is_untouched_by_calibration(shifted):
    assert shifted.test["map"] == pytest.approx(shifted.test["at_0_5"]["map"], abs=1e-6)


def test_nothing_is_fitted_on_test():
    validation = scored(600, 1)
    one = evaluate(validation, scored(600, 2), PARAMS, seed=0)
    other = evaluate(validation, scored(400, 3, shift=5), PARAMS, seed=0)
    np.testing.assert_array_equal(one.thresholds.per_label, other.thresholds.per_label)
    np.testing.assert_array_equal(one.calibration.slope, other.calibration.slope)
    assert one.validation == other.validation
