import numpy as np
import pytest
from scipy.special import expit
from support.labels import GOEMOTIONS, LABELS, TARGETS

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.evaluation.evaluate import Scored, cross_validated_macro_f1, decide, evaluate

PARAMS = ThresholdParams(grid_step=0.05, folds=3, shrinkage=100)


def scored(rows: int, seed: int, shift: float = 0.0) -> Scored:
    """Logits whose sigmoid is right when `shift` is 0; each row is a group of its own."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1.5, 2, (rows, len(LABELS)))
    gold = (random.random(logits.shape) < expit(logits)).astype(np.int8)
    return Scored((logits + shift).astype(np.float32), gold, np.arange(rows), GOEMOTIONS)


@pytest.fixture(scope="module")
def shifted():
    """A model whose logits are all 3 too high."""
    return evaluate(scored(500, 1, shift=3), scored(500, 2, shift=3), PARAMS, seed=0)


def test_calibration_undoes_a_shift(shifted):
    assert shifted.test["ece"] < 0.08 < shifted.at_half["ece"]
    assert shifted.test["brier"] < shifted.at_half["brier"]
    calibration = shifted.decision.choice.calibration
    assert calibration.method == "platt"
    np.testing.assert_allclose(calibration.mapping.slope.mean(), 1, atol=0.1)
    np.testing.assert_allclose(calibration.mapping.intercept.mean(), -3, atol=0.3)


def test_the_likelihood_is_that_of_the_chosen_calibration(shifted):
    nll = shifted.decision.choice.nll
    assert set(nll) == {"temperature", "platt", "isotonic", "blend"}
    assert shifted.validation["nll"] == nll["platt"] == min(nll.values())


def test_intervals_hold_the_score(shifted):
    test = shifted.test
    assert test["macro_f1_low"] < test["macro_f1"] < test["macro_f1_high"]
    assert all(row["f1_low"] < row["f1"] < row["f1_high"] for row in shifted.per_label)


def test_rows_by_label_average_to_the_macro_scores(shifted):
    assert [row["label"] for row in shifted.per_label] == list(LABELS)
    assert {row["label"] for row in shifted.per_label if row["target"]} == set(TARGETS)
    for column, name in (("f1", "macro_f1"), ("precision", "macro_precision"), ("ap", "map")):
        mean = np.mean([row[column] for row in shifted.per_label])
        assert mean == pytest.approx(shifted.test[name], abs=2e-6)


def test_what_a_label_without_both_classes_lacks_is_left_out():
    validation, test = scored(60, 1), scored(40, 2)
    test.gold[:, 0], test.gold[:, 1] = 0, 1
    none, all_, *others = evaluate(validation, test, PARAMS, seed=0).per_label
    assert "ap" not in none and "auroc" not in none and none["support"] == 0
    assert all_["ap"] == 1.0 and "auroc" not in all_
    assert all("ap" in row and "auroc" in row for row in others)


def test_tuned_thresholds_beat_a_half_on_a_shifted_model(shifted):
    assert shifted.test["macro_f1"] > shifted.at_half["macro_f1"] + 0.05


def test_ranking_is_untouched_by_calibration(shifted):
    for name in ("map", "auroc"):
        assert shifted.test[name] == shifted.at_half[name]


def test_a_decision_scores_rows_as_the_evaluation_does(shifted):
    test = shifted.decision.overall(scored(500, 2, shift=3))
    assert test == {name: shifted.test[name] for name in test}


def test_nothing_is_fitted_on_test():
    validation = scored(150, 1)
    one = evaluate(validation, scored(100, 2), PARAMS, seed=0)
    other = evaluate(validation, scored(80, 3, shift=5), PARAMS, seed=0)
    np.testing.assert_array_equal(
        one.decision.thresholds.per_label, other.decision.thresholds.per_label
    )
    calibrations = [found.decision.choice.calibration.to_dict(LABELS) for found in (one, other)]
    assert calibrations[0] == calibrations[1]
    assert one.validation == other.validation


def cross_validated(split: Scored, params: ThresholdParams) -> tuple[float, float]:
    """Macro-F1 on the rows that were fitted, and on rows that took no part."""
    decision = decide(split, params, seed=0)
    predicted = decision.choice.cross_fitted >= decision.thresholds.per_label
    hits = 2 * (predicted & (split.gold > 0)).sum(axis=0)
    fitted = (hits / (predicted.sum(axis=0) + split.gold.sum(axis=0))).mean()
    return fitted, cross_validated_macro_f1(split.logits, split.gold, decision.choice, params)


def test_cross_validated_f1_is_that_of_rows_which_took_no_part():
    """Where scores say nothing, fitting noise pays on the rows that were fitted alone."""
    random = np.random.default_rng(3)
    logits = random.normal(size=(200, len(LABELS))).astype(np.float32)
    gold = (random.random(logits.shape) < 0.1).astype(np.int8)
    noise = Scored(logits, gold, np.arange(len(gold)), GOEMOTIONS)
    # A label's own optimum, no more.
    fitted, honest = cross_validated(noise, PARAMS.model_copy(update={"shrinkage": 0.001}))
    assert fitted > honest + 0.01
    fitted, honest = cross_validated(scored(500, 1), PARAMS)
    assert honest == pytest.approx(fitted, abs=0.03)
