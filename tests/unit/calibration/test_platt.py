import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emotion_slm.calibration.maps import Platt, smoothed_targets
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation import metrics

N_LABELS = len(LABELS)


def same_for_all_labels(column) -> np.ndarray:
    return np.tile(np.asarray(column)[:, None], (1, N_LABELS))


def test_known_slope_and_intercept_are_recovered():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20_000) * 3
    positive = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    fitted = Platt.fit(same_for_all_labels(logits), same_for_all_labels(positive).astype(np.int8))
    assert fitted.slope == pytest.approx(np.full(N_LABELS, 0.5), abs=0.03)
    assert fitted.intercept == pytest.approx(np.full(N_LABELS, -1.0), abs=0.06)


def test_mean_probability_matches_the_base_rate_after_fitting(scored):
    gold, logits = scored
    probabilities = Platt.fit(logits, gold).apply(logits)
    assert probabilities.mean(axis=0) == pytest.approx(gold.mean(axis=0), abs=0.01)
    raw = Platt(np.ones(N_LABELS), np.zeros(N_LABELS)).apply(logits)
    assert metrics.expected_calibration_error(gold, probabilities) < 0.1
    assert metrics.expected_calibration_error(gold, raw) > 0.3


@pytest.mark.parametrize("value", [0, 1])
def test_label_of_one_class_keeps_its_logits(scored, value):
    gold, logits = scored
    gold[:, 3] = value
    fitted = Platt.fit(logits, gold)
    assert (fitted.slope[3], fitted.intercept[3]) == (1.0, 0.0)
    assert fitted.slope[4] != 1.0


@pytest.mark.parametrize("logits", [np.linspace(-4, 4, 40), np.full(40, 7.0)])
def test_reversed_or_constant_logits_only_get_an_intercept(logits):
    positive = (np.arange(40) < 10).astype(np.int8)  # the lowest logits
    fitted = Platt.fit(same_for_all_labels(logits), same_for_all_labels(positive))
    assert (fitted.slope == 1).all()
    mean = fitted.apply(same_for_all_labels(logits)).mean()
    assert mean == pytest.approx((10 * 11 / 12 + 30 * 1 / 32) / 40, abs=1e-6)


def test_smoothed_targets_by_hand():
    targets = smoothed_targets(np.array([True, True, False]))
    assert targets == pytest.approx([3 / 4, 3 / 4, 1 / 3])


def test_separable_and_huge_logits_stay_finite():
    logits = same_for_all_labels(np.r_[np.full(5, 400.0), np.full(500, -900.0)])
    gold = same_for_all_labels(np.r_[np.ones(5), np.zeros(500)]).astype(np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = Platt.fit(logits, gold)
        probabilities = fitted.apply(logits * 1000)
    assert np.isfinite(fitted.slope).all()
    assert np.isfinite(fitted.intercept).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@given(
    arrays.arrays(np.float32, (25, N_LABELS), elements=st.floats(-20, 20, width=32)),
    arrays.arrays(np.int8, (25, N_LABELS), elements=st.integers(0, 1)),
)
def test_calibrated_probabilities_are_monotone_in_the_logit(logits, gold):
    fitted = Platt.fit(logits, gold)
    assert (fitted.slope > 0).all()
    assert (np.diff(fitted.apply(np.sort(logits, axis=0)), axis=0) >= 0).all()


def test_round_trip_through_json():
    rng = np.random.default_rng(4)
    written = Platt(rng.random(N_LABELS) + 0.1, rng.normal(size=N_LABELS))
    read = Platt.from_dict(json.loads(json.dumps(written.to_dict())), "here.json")
    assert (read.slope == written.slope).all()
    assert (read.intercept == written.intercept).all()
    assert list(written.to_dict()) == list(LABELS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("joy"), "'joy'"),
        (lambda content: content.update(joyy={"slope": 1, "intercept": 0}), "'joyy'"),
        (lambda content: content["joy"].pop("slope"), "joy: expected"),
        (lambda content: content["joy"].update(slope="steep"), "joy: expected"),
        (lambda content: content["joy"].update(slope=-1.0), "joy.*positive"),
        (lambda content: content["joy"].update(intercept=float("nan")), "joy.*finite"),
    ],
)
def test_damaged_file_is_named(change, named):
    content = Platt(np.ones(N_LABELS), np.zeros(N_LABELS)).to_dict()
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Platt.from_dict(content, "here.json")
