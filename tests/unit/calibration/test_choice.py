import json

import numpy as np
import pytest
from scipy.special import expit, logit

from emotion_slm.calibration import choice as calibration
from emotion_slm.calibration.choice import METHODS, PROBABILITY_BOUND, Calibration
from emotion_slm.common.errors import EmotionSlmError

NAMES = ("joy", "grief", "fear")  # of three labels


def drawn(truth: np.ndarray, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(truth.shape) < truth).astype(np.int8)


@pytest.mark.parametrize(
    ("method", "true_probability"),
    [
        ("temperature", lambda z: expit(z / 2)),
        ("platt", lambda z: expit(0.5 * z - 1 + np.linspace(-1, 1, 3))),
        ("isotonic", lambda z: np.where(z < 0, 0.05, 0.6)),
    ],
)
def test_the_method_that_fits_is_chosen(method, true_probability):
    logits = np.random.default_rng(0).normal(0, 3, (3000, 3))
    choice = calibration.choose(logits, drawn(true_probability(logits)), folds=3, seed=1)
    assert choice.calibration.method == method
    assert list(choice.nll) == list(METHODS)
    assert min(choice.nll, key=choice.nll.get) == method


def test_few_rows_do_not_get_the_method_that_fits_them_best():
    """In-sample isotonic always has the smallest NLL; held out, it pays for its freedom."""
    logits = np.random.default_rng(0).normal(0, 2, (120, 3))
    gold = drawn(expit(logits))
    in_sample = {
        method: calibration.negative_log_likelihood(
            gold, Calibration.fit(method, logits, gold).apply(logits)
        )
        for method in METHODS
    }
    assert min(in_sample, key=in_sample.get) == "isotonic"
    assert calibration.choose(logits, gold, folds=5, seed=1).calibration.method == "temperature"


def test_a_tie_goes_to_the_simplest(monkeypatch, few):
    gold, logits = few
    monkeypatch.setattr(calibration, "negative_log_likelihood", lambda *_: 0.25)
    choice = calibration.choose(logits, gold, folds=2, seed=1)
    assert choice.calibration.method == next(iter(METHODS)) == "temperature"


@pytest.mark.parametrize("method", METHODS)
def test_cross_fitted_rows_do_not_see_their_own_gold(few, method):
    gold, logits = few
    fold = np.arange(len(gold)) % 2
    halves = calibration.cross_fitted(list(METHODS), logits, gold, fold)[method]
    for half in (0, 1):
        other = Calibration.fit(method, logits[fold != half], gold[fold != half])
        assert halves[fold == half] == pytest.approx(other.apply(logits[fold == half]))


def test_choice_keeps_groups_together_and_returns_the_chosen_ones_probabilities(few):
    gold, logits = few
    groups = np.arange(len(gold)) % 2  # two groups, two folds: the folds are the groups
    choice = calibration.choose(logits, gold, folds=2, seed=1, groups=groups)
    method = choice.calibration.method
    expected = calibration.cross_fitted([method], logits, gold, groups)[method]
    assert choice.cross_fitted == pytest.approx(expected)
    assert choice.nll[method] == pytest.approx(
        calibration.negative_log_likelihood(gold, expected), abs=1e-6
    )
    whole = Calibration.fit(method, logits, gold)
    assert choice.calibration.apply(logits) == pytest.approx(whole.apply(logits))


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_keep_their_bounds_at_any_logit(few, method):
    gold, logits = few
    fitted = Calibration.fit(method, logits, gold)
    probabilities = fitted.apply(np.sort(logits, axis=0) * 1e6)
    assert probabilities.dtype == np.float64 and probabilities.shape == gold.shape
    assert probabilities.min() >= PROBABILITY_BOUND
    assert probabilities.max() <= 1 - PROBABILITY_BOUND
    assert (np.diff(probabilities, axis=0) >= 0).all()
    assert np.isfinite(calibration.negative_log_likelihood(gold, probabilities))


def test_likelihood_by_hand():
    gold, probabilities = np.array([[1, 0]]), np.array([[0.25, 0.5]])
    expected = -(np.log(0.25) + np.log(0.5)) / 2
    assert calibration.negative_log_likelihood(gold, probabilities) == pytest.approx(expected)
    assert logit(PROBABILITY_BOUND) == pytest.approx(-13.8, abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_round_trip_through_json(few, method):
    gold, logits = few
    written = Calibration.fit(method, logits, gold)
    read = Calibration.from_dict(json.loads(json.dumps(written.to_dict(NAMES))), NAMES)
    assert read.method == method
    assert (read.apply(logits) == written.apply(logits)).all()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({}, "method None"),
        (
            {"method": "beta", "parameters": {}},
            "'beta'; known: temperature, platt, isotonic, blend",
        ),
        ({"method": ["platt"], "parameters": {}}, r"method \['platt'\]"),
        ({"method": "platt"}, "'parameters'"),
        ({"method": "platt", "parameters": [1]}, "expected an object"),
        ({"method": "isotonic", "parameters": {}}, "label 'fear'"),
        ({"method": "temperature", "parameters": {"temperature": 0}}, "positive"),
    ],
)
def test_damaged_file_is_named(content, named):
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Calibration.from_dict(content, NAMES, "here.json")
