import numpy as np
import pytest
from scipy.special import expit

from emotion_slm.calibration.choice import negative_log_likelihood
from emotion_slm.calibration.maps import COLDEST, HOTTEST, Temperature
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LABELS


def test_known_temperature_is_recovered():
    random = np.random.default_rng(0)
    logits = random.normal(size=(2000, len(LABELS))) * 4
    gold = (random.random(logits.shape) < expit(logits / 2.5)).astype(np.int8)
    assert Temperature.fit(logits, gold).temperature == pytest.approx(2.5, rel=0.03)


def test_no_other_temperature_is_more_likely(scored):
    gold, logits = scored
    logits = logits - 3  # a shift, which no temperature can mend, would drive it to its end
    best = Temperature.fit(logits, gold)
    least = negative_log_likelihood(gold, best.apply(logits))
    for factor in (0.9, 0.99, 1.01, 1.1):
        other = Temperature(best.temperature * factor)
        assert negative_log_likelihood(gold, other.apply(logits)) > least


def test_separable_and_reversed_logits_stop_at_the_ends():
    gold = np.tile([[0], [1]], (5, len(LABELS))).astype(np.int8)
    assert Temperature.fit(gold - 0.5, gold).temperature == COLDEST
    assert Temperature.fit(0.5 - gold, gold).temperature == HOTTEST


def test_round_trip():
    assert Temperature.from_dict(Temperature(1.7).to_dict(), "here.json").temperature == 1.7


@pytest.mark.parametrize("content", [{}, [], {"temperature": "hot"}, {"temperature": None}])
def test_what_is_no_number_is_named(content):
    with pytest.raises(EmotionSlmError, match=r"here.json.*'temperature'"):
        Temperature.from_dict(content, "here.json")


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_impossible_temperatures_are_named(value):
    with pytest.raises(EmotionSlmError, match=r"here.json.*positive"):
        Temperature.from_dict({"temperature": value}, "here.json")
