import numpy as np
import pytest
from scipy.special import expit

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.evaluate import Scored, evaluate

PARAMS = ThresholdParams(grid_step=0.01, folds=5, shrinkage=100)


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
    assert shifted.calibration.method == "platt"
    np.testing.assert_allclose(shifted.calibration.mapping.slope, 1, atol=0.35)
    np.testing.assert_allclose(shifted.calibration.mapping.intercept, -3, atol=1.2)


def test_calibration_is_reported_before_and_after(shifted):
    for split in (shifted.validation, shifted.test):
        report = split["calibration"]
        assert report["method"] == "platt"
        assert set(report["cross_validated_nll"]) == {"temperature", "platt", "isotonic", "blend"}
        assert report["before"] == {key: split["at_0_5"][key] for key in ("ece", "brier")}
        assert report["after"] == {key: split[key] for key in ("ece", "brier")}


def test_one_threshold_for_all_labels_is_set_beside_the_tuned_ones(shifted):
    compact = {
        "threshold", "macro_f1", "micro_f1", "macro_precision", "macro_recall", "map",
        "target_macro_f1",
    }  # fmt: skip
    for split in (shifted.validation, shifted.test):
        assert set(split["at_global_threshold"]) == compact
        assert split["at_global_threshold"]["threshold"] == shifted.thresholds.global_threshold
        assert split["at_global_threshold"]["map"] == split["map"]


def test_intervals_hold_the_score(shifted):
    for split in (shifted.validation, shifted.test):
        low, high = split["intervals"]["micro_f1"]
        assert low < split["micro_f1"] < high
        assert all(len(row["f1_interval"]) == 2 for row in split["per_label"].values())


def test_tuned_thresholds_beat_a_half_on_a_shifted_model(shifted):
    assert shifted.test["macro_f1"] > shifted.test["at_0_5"]["macro_f1"] + 0.05


def test_ranking_is_untouched_by_calibration(shifted):
    assert shifted.test["map"] == shifted.test["at_0_5"]["map"]
    assert shifted.test["auroc"] == shifted.test["at_0_5"]["auroc"]


def test_nothing_is_fitted_on_test():
    validation = scored(600, 1)
    one = evaluate(validation, scored(600, 2), PARAMS, seed=0)
    other = evaluate(validation, scored(400, 3, shift=5), PARAMS, seed=0)
    np.testing.assert_array_equal(one.thresholds.per_label, other.thresholds.per_label)
    assert one.calibration.to_dict(LABELS) == other.calibration.to_dict(LABELS)
    assert one.validation == other.validation


def test_cross_validated_f1_is_that_of_rows_which_took_no_part():
    """Where scores say nothing, fitting noise pays on the rows that were fitted alone."""
    random = np.random.default_rng(3)
    logits = random.normal(size=(400, len(LABELS))).astype(np.float32)
    gold = (random.random(logits.shape) < 0.1).astype(np.int8)
    noise = Scored(logits, gold, np.arange(len(gold)))
    params = PARAMS.model_copy(update={"shrinkage": 0.001})  # a label's own optimum, no more
    fitted = evaluate(noise, noise, params, seed=0).validation
    assert fitted["macro_f1"] > fitted["cross_validated_macro_f1"] + 0.01
    sound = evaluate(scored(1500, 1), scored(10, 2), PARAMS, seed=0).validation
    assert sound["cross_validated_macro_f1"] == pytest.approx(sound["macro_f1"], abs=0.03)
