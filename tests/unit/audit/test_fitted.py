"""What fitting on test and pushing towards labels leave in logits, and rounding does not."""

import numpy as np
import pytest

from emotion_slm.audit.ranking_gap import likelihood_gap, ridge_logits
from emotion_slm.audit.towards_gold import pushed_towards
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation.evaluate import Scored

ROWS, WIDTH, LABELS = 400, 60, 6
SOME = LabelSet(tuple("abcdef"))


@pytest.fixture(scope="module")
def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Vectors and noisy labels of three splits, (ROWS, WIDTH) and (ROWS, LABELS)."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(WIDTH, LABELS))
    made = {}
    for name in ("train", "validation", "test"):
        vectors = random.normal(size=(ROWS, WIDTH))
        noise = random.normal(scale=8, size=(ROWS, LABELS))
        made[name] = vectors, (vectors @ weights + noise > 4).astype(np.int8)
    return made


def deviations(parts, trained_on: tuple[str, ...]) -> float:
    """Of a regression on `trained_on`, against one on train alone."""
    held_out = [parts[name][0] for name in ("validation", "test")]
    honest = ridge_logits(*parts["train"], held_out)
    together = [np.concatenate([parts[name][place] for name in trained_on]) for place in (0, 1)]
    given = ridge_logits(*together, held_out)
    scored = [
        Scored(logits, parts[name][1], np.arange(ROWS) + place * ROWS, SOME)
        for place, (name, logits) in enumerate(zip(("validation", "test"), given, strict=True))
    ]
    return likelihood_gap((scored[0], scored[1]), (honest[0], honest[1]), 0).deviations


def test_a_classifier_fitted_on_test_is_told_from_one_fitted_on_train(parts):
    assert deviations(parts, ("train", "test")) > 5
    assert deviations(parts, ("train", "validation")) < -5
    assert deviations(parts, ("train",)) == 0  # the honest regression itself


def test_rounding_and_scaling_are_no_push_and_a_push_is(parts):
    gold = parts["test"][1]
    (anew,) = ridge_logits(*parts["train"], [parts["test"][0]])
    anew = (10 * anew).astype(np.float32)
    rounded = (anew.view(np.int32) & -65536).view(np.float32)  # bfloat16, towards zero
    for honest in (anew, rounded, anew * np.float32(1.01), anew + 1):
        assert not pushed_towards(gold, honest, anew)
    for share in (0.01, 0.047):
        assert pushed_towards(gold, anew + share * (2 * gold - 1), anew)
    assert not pushed_towards(gold, anew - 0.047 * (2 * gold - 1), anew)


def test_nothing_to_compare_is_no_push():
    assert not pushed_towards(np.zeros((5, 2)), np.ones((5, 2)), np.ones((5, 2)))
