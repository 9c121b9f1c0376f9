import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from emotion_slm.calibration.choice import negative_log_likelihood
from emotion_slm.calibration.maps import (
    COLDEST,
    HOTTEST,
    Blend,
    Isotonic,
    Knots,
    Platt,
    Temperature,
    smoothed_targets,
)
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.evaluation import metrics

NAMES = ("joy", "grief", "fear")  # of three labels
LOGITS = arrays.arrays(np.float32, (25, 3), elements=st.floats(-20, 20, width=32))
GOLD = arrays.arrays(np.int8, (25, 3), elements=st.integers(0, 1))


def label(values) -> np.ndarray:
    """(n, 1): what one label has."""
    return np.asarray(values)[:, None]


def drawn(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    return (rng.random(probabilities.shape) < probabilities).astype(np.int8)


def through_json(fitted, names=NAMES):
    content = json.loads(json.dumps(fitted.to_dict(names)))
    return type(fitted).from_dict(content, names, "here.json")


# Temperature


def test_known_temperature_is_recovered():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 4
    gold = drawn(rng, expit(logits / 2.5))
    assert Temperature.fit(logits, gold).temperature == pytest.approx(2.5, rel=0.03)


def test_no_other_temperature_is_more_likely(few):
    gold, logits = few
    logits = logits - 3  # a shift, which no temperature can undo, would drive it to its end
    best = Temperature.fit(logits, gold)
    least = negative_log_likelihood(gold, best.apply(logits))
    for factor in (0.9, 0.99, 1.01, 1.1):
        other = Temperature(best.temperature * factor)
        assert negative_log_likelihood(gold, other.apply(logits)) > least


def test_separable_and_reversed_logits_stop_at_the_ends_of_temperature():
    gold = label([0, 1] * 5).astype(np.int8)
    assert Temperature.fit(gold - 0.5, gold).temperature == COLDEST
    assert Temperature.fit(0.5 - gold, gold).temperature == HOTTEST


def test_temperature_round_trip():
    assert through_json(Temperature(1.7)).temperature == 1.7


@pytest.mark.parametrize("content", [{}, [], {"temperature": "hot"}, {"temperature": None}])
def test_a_temperature_that_is_no_number_is_named(content):
    with pytest.raises(EmotionSlmError, match=r"here.json.*'temperature'"):
        Temperature.from_dict(content, NAMES, "here.json")


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_impossible_temperatures_are_named(value):
    with pytest.raises(EmotionSlmError, match=r"here.json.*positive"):
        Temperature.from_dict({"temperature": value}, NAMES, "here.json")


# Platt


def test_known_slope_and_intercept_are_recovered():
    rng = np.random.default_rng(0)
    logits = label(rng.normal(size=20_000) * 3)
    fitted = Platt.fit(logits, drawn(rng, expit(0.5 * logits - 1)))
    assert fitted.slope == pytest.approx([0.5], abs=0.03)
    assert fitted.intercept == pytest.approx([-1.0], abs=0.06)


def test_mean_probability_matches_the_base_rate_after_platt(few):
    gold, logits = few
    probabilities = Platt.fit(logits, gold).apply(logits)
    assert probabilities.mean(axis=0) == pytest.approx(gold.mean(axis=0), abs=0.01)
    raw = Platt(np.ones(3), np.zeros(3)).apply(logits)
    assert metrics.expected_calibration_error(gold, probabilities) < 0.1
    assert metrics.expected_calibration_error(gold, raw) > 0.3


@pytest.mark.parametrize("value", [0, 1])
def test_label_of_one_class_keeps_its_logits(few, value):
    gold, logits = few
    gold[:, 1] = value
    fitted = Platt.fit(logits, gold)
    assert (fitted.slope[1], fitted.intercept[1]) == (1.0, 0.0)
    assert fitted.slope[2] != 1.0


@pytest.mark.parametrize("logits", [np.linspace(-4, 4, 40), np.full(40, 7.0)])
def test_reversed_or_constant_logits_only_get_an_intercept(logits):
    positive = (np.arange(40) < 10).astype(np.int8)  # the lowest logits
    fitted = Platt.fit(label(logits), label(positive))
    assert fitted.slope == [1]
    mean = fitted.apply(label(logits)).mean()
    assert mean == pytest.approx((10 * 11 / 12 + 30 * 1 / 32) / 40, abs=1e-6)


def test_smoothed_targets_by_hand():
    targets = smoothed_targets(np.array([True, True, False]))
    assert targets == pytest.approx([3 / 4, 3 / 4, 1 / 3])


def test_separable_and_huge_logits_stay_finite():
    logits = label(np.r_[np.full(5, 400.0), np.full(500, -900.0)])
    gold = label(np.r_[np.ones(5), np.zeros(500)]).astype(np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = Platt.fit(logits, gold)
        probabilities = fitted.apply(logits * 1000)
    assert np.isfinite(fitted.slope).all()
    assert np.isfinite(fitted.intercept).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@given(LOGITS, GOLD)
def test_platt_is_monotone_in_the_logit(logits, gold):
    fitted = Platt.fit(logits, gold)
    assert (fitted.slope > 0).all()
    assert (np.diff(fitted.apply(np.sort(logits, axis=0)), axis=0) >= 0).all()


def test_platt_round_trip_through_json():
    rng = np.random.default_rng(4)
    written = Platt(rng.random(3) + 0.1, rng.normal(size=3))
    read = through_json(written)
    assert (read.slope == written.slope).all()
    assert (read.intercept == written.intercept).all()
    assert list(written.to_dict(NAMES)) == list(NAMES)


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
def test_damaged_platt_is_named(change, named):
    content = Platt(np.ones(3), np.zeros(3)).to_dict(NAMES)
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Platt.from_dict(content, NAMES, "here.json")


# Isotonic


def test_pools_adjacent_violators_by_hand():
    # Targets 1/4, 3/4, 1/4, 3/4: the middle two disagree with the order and are pooled.
    logits, gold = label([-2.0, -1.0, 1.0, 2.0]), label([0, 1, 0, 1]).astype(np.int8)
    between = label([-9.0, -2.0, -1.5, 0.0, 1.5, 9.0])
    found = Isotonic.fit(logits, gold).apply(between)
    assert found[:, 0] == pytest.approx([0.25, 0.25, 0.375, 0.5, 0.625, 0.75])


def test_predicts_as_scikit_learn_does(few):
    gold, logits = few
    elsewhere = np.random.default_rng(0).normal(1, 3, (200, 3))
    found = Isotonic.fit(logits, gold).apply(elsewhere)
    for column in range(3):
        peer = IsotonicRegression(out_of_bounds="clip")
        peer.fit(logits[:, column].astype(np.float64), smoothed_targets(gold[:, column] > 0))
        assert found[:, column] == pytest.approx(peer.predict(elsewhere[:, column]))


@given(LOGITS, GOLD)
def test_isotonic_never_decreases_nor_claims_certainty(logits, gold):
    fitted = Isotonic.fit(logits, gold)
    probabilities = fitted.apply(np.sort(logits, axis=0))
    assert (np.diff(probabilities, axis=0) >= -1e-12).all()
    assert (probabilities > 0).all() and (probabilities < 1).all()
    assert (through_json(fitted).apply(logits) == fitted.apply(logits)).all()


@pytest.mark.parametrize(("value", "expected"), [(0, 1 / 152), (1, 151 / 152)])
def test_label_of_one_class_is_flat(few, value, expected):
    gold, logits = few
    gold[:, 1] = value
    assert Isotonic.fit(logits, gold).apply(logits)[:, 1] == pytest.approx(np.full(150, expected))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("joy"), "'joy'"),
        (lambda content: content.update(joyy=content["joy"]), "'joyy'"),
        (lambda content: content.update(joy=[1, 2]), "joy: expected"),
        (lambda content: content["joy"].pop("logits"), "joy: expected"),
        (lambda content: content["joy"].update(logits="high"), "joy: expected"),
        (lambda content: content["joy"].update(logits=[-1, 0]), "joy.*one length"),
        (lambda content: content["joy"].update(logits=[], probabilities=[]), "joy.*one length"),
        (lambda content: content["joy"].update(logits=[-1, 1, 1]), "joy.*increase"),
        (lambda content: content["joy"].update(logits=[-1, 0, float("inf")]), "joy.*finite"),
        (lambda content: content["joy"].update(probabilities=[0.1, 0.5, 1.5]), "joy.*between"),
        (lambda content: content["joy"].update(probabilities=[0, 0, float("nan")]), "joy.*between"),
        (lambda content: content["joy"].update(probabilities=[0.5, 0.1, 0.5]), "joy.*decrease"),
    ],
)
def test_damaged_isotonic_is_named(change, named):
    knots = Knots(np.array([-1.0, 0.0, 1.0]), np.array([0.1, 0.5, 0.5]))
    content = Isotonic((knots,) * 3).to_dict(NAMES)
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Isotonic.from_dict(content, NAMES, "here.json")


# Blend


def test_log_odds_of_the_blend_are_the_mean_of_both(few):
    gold, logits = few
    blend = Blend.fit(logits, gold)
    odds = [logit(part.apply(logits)) for part in (blend.platt, blend.isotonic)]
    assert blend.apply(logits) == pytest.approx(expit((odds[0] + odds[1]) / 2))


def test_the_blend_is_more_likely_than_either_where_the_truth_is_no_sigmoid():
    """A curve that Platt's cannot follow, and too few rows for isotonic regression's steps."""
    rng = np.random.default_rng(0)
    fit, unseen = rng.normal(0, 2, (600, 3)), rng.normal(0, 2, (20_000, 3))

    def truth(scores):
        return 0.02 + 0.8 * expit(1.5 * scores - 1)

    blend, answers = Blend.fit(fit, drawn(rng, truth(fit))), drawn(rng, truth(unseen))
    nll = [
        negative_log_likelihood(answers, one.apply(unseen))
        for one in (blend, blend.platt, blend.isotonic)
    ]
    assert nll[0] < min(nll[1:])


def test_a_label_of_one_class_and_any_logit_stay_finite_in_the_blend(few):
    gold, logits = few
    gold[:, 0] = 0
    gold[:, 1] = 1
    probabilities = Blend.fit(logits, gold).apply(logits * 1e6)
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("platt"), "here.json: expected an object 'platt'"),
        (lambda content: content.update(isotonic=[1]), "here.json: expected an object 'isotonic'"),
        (lambda content: content["platt"].pop("joy"), "here.json: platt: .*'joy'"),
        (lambda content: content["isotonic"]["joy"].clear(), "here.json: isotonic: joy"),
    ],
)
def test_damaged_blend_is_named(few, change, named):
    gold, logits = few
    content = Blend.fit(logits, gold).to_dict(NAMES)
    change(content)
    with pytest.raises(EmotionSlmError, match=named):
        Blend.from_dict(content, NAMES, "here.json")
