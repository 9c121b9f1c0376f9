import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.isotonic import IsotonicRegression

from emotion_slm.calibration.maps import Isotonic, Knots, smoothed_targets
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LABELS

N_LABELS = len(LABELS)


def same_for_all_labels(column) -> np.ndarray:
    return np.tile(np.asarray(column)[:, None], (1, N_LABELS))


def test_pools_adjacent_violators_by_hand():
    # Targets 1/4, 3/4, 1/4, 3/4: the middle two disagree with the order and are pooled.
    logits = same_for_all_labels([-2.0, -1.0, 1.0, 2.0])
    gold = same_for_all_labels([0, 1, 0, 1]).astype(np.int8)
    fitted = Isotonic.fit(logits, gold)
    between = same_for_all_labels([-9.0, -2.0, -1.5, 0.0, 1.5, 9.0])
    assert fitted.apply(between)[:, 5] == pytest.approx([0.25, 0.25, 0.375, 0.5, 0.625, 0.75])


def test_predicts_as_scikit_learn_does(scored):
    gold, logits = scored
    elsewhere = np.random.default_rng(0).normal(1, 3, (200, N_LABELS))
    fitted = Isotonic.fit(logits, gold)
    for column in (0, 13, 27):
        peer = IsotonicRegression(out_of_bounds="clip")
        peer.fit(logits[:, column].astype(np.float64), smoothed_targets(gold[:, column] > 0))
        expected = peer.predict(elsewhere[:, column])
        assert fitted.apply(elsewhere)[:, column] == pytest.approx(expected)


@given(
    arrays.arrays(np.float32, (25, N_LABELS), elements=st.floats(-20, 20, width=32)),
    arrays.arrays(np.int8, (25, N_LABELS), elements=st.integers(0, 1)),
)
def test_probabilities_never_decrease_nor_claim_certainty(logits, gold):
    fitted = Isotonic.fit(logits, gold)
    probabilities = fitted.apply(np.sort(logits, axis=0))
    assert (np.diff(probabilities, axis=0) >= -1e-12).all()
    assert (probabilities > 0).all() and (probabilities < 1).all()
    again = Isotonic.from_dict(json.loads(json.dumps(fitted.to_dict())), "here.json")
    assert (again.apply(logits) == fitted.apply(logits)).all()


@pytest.mark.parametrize(("value", "expected"), [(0, 1 / 302), (1, 301 / 302)])
def test_label_of_one_class_is_flat(scored, value, expected):
    gold, logits = scored
    gold[:, 3] = value
    assert Isotonic.fit(logits, gold).apply(logits)[:, 3] == pytest.approx(np.full(300, expected))


def flat() -> dict:
    knots = Knots(np.array([-1.0, 0.0, 1.0]), np.array([0.1, 0.5, 0.5]))
    return Isotonic((knots,) * N_LABELS).to_dict()


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
def test_damaged_file_is_named(change, named):
    content = json.loads(json.dumps(flat()))
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Isotonic.from_dict(content, "here.json")
