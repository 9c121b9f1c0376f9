import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation import calibration, metrics
from emotion_slm.evaluation.calibration import Calibration
from emotion_slm.labels import LABELS

N_LABELS = len(LABELS)


def same_for_all_labels(column) -> np.ndarray:
    return np.tile(np.asarray(column)[:, None], (1, N_LABELS))


def test_known_slope_and_intercept_are_recovered():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20_000) * 3
    positive = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    slope, intercept = calibration.fit_platt(
        same_for_all_labels(logits), same_for_all_labels(positive).astype(np.int8)
    )
    assert slope == pytest.approx(np.full(N_LABELS, 0.5), abs=0.03)
    assert intercept == pytest.approx(np.full(N_LABELS, -1.0), abs=0.06)


def test_mean_probability_matches_the_base_rate_after_fitting(scored):
    gold, logits = scored
    slope, intercept = calibration.fit_platt(logits, gold)
    probabilities = calibration.apply(logits, slope, intercept)
    assert probabilities.mean(axis=0) == pytest.approx(gold.mean(axis=0), abs=0.01)
    raw = calibration.apply(logits, np.ones(N_LABELS), np.zeros(N_LABELS))
    assert metrics.expected_calibration_error(gold, probabilities) < 0.1
    assert metrics.expected_calibration_error(gold, raw) > 0.3


@pytest.mark.parametrize("value", [0, 1])
def test_label_of_one_class_keeps_its_logits(scored, value):
    gold, logits = scored
    gold[:, 3] = value
    slope, intercept = calibration.fit_platt(logits, gold)
    assert (slope[3], intercept[3]) == (1.0, 0.0)
    assert slope[4] != 1.0


@pytest.mark.parametrize("logits", [np.linspace(-4, 4, 40), np.full(40, 7.0)])
def test_reversed_or_constant_logits_only_get_an_intercept(logits):
    positive = (np.arange(40) < 10).astype(np.int8)  # the lowest logits
    slope, intercept = calibration.fit_platt(
        same_for_all_labels(logits), same_for_all_labels(positive)
    )
    assert (slope == 1).all()
    mean = calibration.apply(same_for_all_labels(logits), slope, intercept).mean()
    targets = (10 * 11 / 12 + 30 * 1 / 32) / 40  # Platt's smoothed ones
    assert mean == pytest.approx(targets, abs=1e-6)


def test_separable_and_huge_logits_stay_finite():
    logits = same_for_all_labels(np.r_[np.full(5, 400.0), np.full(500, -900.0)])
    gold = same_for_all_labels(np.r_[np.ones(5), np.zeros(500)]).astype(np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slope, intercept = calibration.fit_platt(logits, gold)
        probabilities = calibration.apply(logits * 1000, slope, intercept)
    assert np.isfinite(slope).all()
    assert np.isfinite(intercept).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@given(
    arrays.arrays(np.float32, (25, N_LABELS), elements=st.floats(-20, 20, width=32)),
    arrays.arrays(np.int8, (25, N_LABELS), elements=st.integers(0, 1)),
)
def test_calibrated_probabilities_are_monotone_in_the_logit(logits, gold):
    slope, intercept = calibration.fit_platt(logits, gold)
    assert (slope > 0).all()
    probabilities = calibration.apply(np.sort(logits, axis=0), slope, intercept)
    assert (np.diff(probabilities, axis=0) >= 0).all()


def test_cross_fitted_rows_do_not_see_their_own_gold(scored):
    gold, logits = scored
    before = calibration.cross_fitted(logits, gold, folds=5, seed=1)
    in_sample = calibration.apply(logits, *calibration.fit_platt(logits, gold))
    assert before.shape == gold.shape
    assert not np.allclose(before, in_sample)
    # A label's own fold never hears of it: by hand, with folds fixed through groups.
    groups = np.arange(len(gold)) % 2
    halves = calibration.cross_fitted(logits, gold, folds=2, seed=1, groups=groups)
    for half in (0, 1):
        other = calibration.fit_platt(logits[groups != half], gold[groups != half])
        expected = calibration.apply(logits[groups == half], *other)
        assert halves[groups == half] == pytest.approx(expected)


def test_round_trip_through_json():
    rng = np.random.default_rng(4)
    written = Calibration(rng.random(N_LABELS) + 0.1, rng.normal(size=N_LABELS))
    read = Calibration.from_dict(json.loads(json.dumps(written.to_dict())))
    assert (read.slope == written.slope).all()
    assert (read.intercept == written.intercept).all()
    assert list(written.to_dict()) == list(LABELS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("joy"), "joy"),
        (lambda content: content.update(joyy={"slope": 1, "intercept": 0}), "joyy"),
        (lambda content: content["joy"].pop("slope"), "joy"),
        (lambda content: content["joy"].update(slope="steep"), "joy"),
        (lambda content: content["joy"].update(slope=-1.0), "positive"),
        (lambda content: content["joy"].update(intercept=float("nan")), "finite"),
    ],
)
def test_damaged_file_is_named(change, named):
    content = Calibration(np.ones(N_LABELS), np.zeros(N_LABELS)).to_dict()
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Calibration.from_dict(content, "here.json")
