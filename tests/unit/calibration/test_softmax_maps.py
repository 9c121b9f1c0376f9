"""Temperature and vector scaling of a softmax, and their choice on validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotion_slm.calibration import choice as calibration
from emotion_slm.calibration.choice import METHODS_OF_ONE, Calibration
from emotion_slm.calibration.softmax_maps import SoftmaxTemperature, Vector, softmax
from emotion_slm.common.errors import EmotionSlmError

NAMES = ("anger", "joy", "sadness")
LOGITS = arrays(np.float32, (7, 3), elements=st.floats(-1000, 1000, width=32))


def drawn(probabilities: np.ndarray, seed: int = 0) -> np.ndarray:
    """Gold with exactly one label a row, drawn by its (n, labels) probabilities."""
    below = np.random.default_rng(seed).random(len(probabilities))[:, None]
    return np.eye(3, dtype=np.int8)[(probabilities.cumsum(axis=1) < below).sum(axis=1)]


@given(LOGITS, arrays(np.int64, 7, elements=st.integers(0, 2)))
def test_rows_sum_to_one_at_any_logit(logits, places):
    gold = np.eye(3, dtype=np.int8)[places]
    for method in METHODS_OF_ONE:
        probabilities = METHODS_OF_ONE[method].fit(logits, gold).apply(logits)
        assert (probabilities >= 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_temperature_is_found(temperature):
    logits = np.random.default_rng(1).normal(0, 3, (20_000, 3))
    gold = drawn(softmax(logits / temperature))
    assert SoftmaxTemperature.fit(logits, gold).temperature == pytest.approx(temperature, rel=0.05)


def test_slopes_and_intercepts_are_found():
    logits = np.random.default_rng(2).normal(0, 2, (20_000, 3))
    slope, intercept = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.0, -1.0])
    found = Vector.fit(logits, drawn(softmax(logits * slope + intercept)))
    np.testing.assert_allclose(found.slope, slope, atol=0.1)
    np.testing.assert_allclose(found.intercept - found.intercept[1], intercept, atol=0.15)


def test_few_rows_keep_to_one_temperature():
    logits = np.random.default_rng(3).normal(0, 2, (6, 3))
    gold = drawn(softmax(logits))
    found = Vector.fit(logits, gold)
    assert np.ptp(found.slope) < 0.5 * found.slope.mean()
    assert np.abs(found.intercept).max() < 0.5


@pytest.mark.parametrize(
    ("method", "true"),
    [
        ("softmax_temperature", lambda logits: softmax(logits / 2)),
        ("vector", lambda logits: softmax(logits * [0.3, 1, 2] + [1, 0, -1])),
    ],
)
def test_the_method_that_fits_is_chosen(method, true):
    logits = np.random.default_rng(4).normal(0, 3, (3000, 3))
    gold = drawn(true(logits))
    chosen = calibration.choose(logits, gold, folds=3, seed=1, single=True)
    assert chosen.calibration.method == method
    assert list(chosen.nll) == list(METHODS_OF_ONE)
    expected = -np.log((chosen.cross_fitted * gold).sum(axis=1)).mean()
    assert chosen.nll[method] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", METHODS_OF_ONE)
def test_a_calibration_is_read_back(method):
    logits = np.random.default_rng(5).normal(0, 3, (200, 3))
    fitted = Calibration.fit(method, logits, drawn(softmax(logits)))
    read = Calibration.from_dict(fitted.to_dict(NAMES), NAMES, single=True)
    np.testing.assert_array_equal(read.apply(logits), fitted.apply(logits))


def test_a_calibration_of_the_other_task_is_refused():
    content = {"method": "temperature", "parameters": {"temperature": 1.0}}
    with pytest.raises(EmotionSlmError, match="known: softmax_temperature, vector"):
        Calibration.from_dict(content, NAMES, "calibration.json", single=True)
    content["method"] = "softmax_temperature"
    with pytest.raises(EmotionSlmError, match="unknown calibration method 'softmax_temperature'"):
        Calibration.from_dict(content, NAMES)
