import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation import thresholds
from emotion_slm.evaluation.thresholds import Thresholds
from emotion_slm.labels import LABEL_INDEX, LABELS
from emotion_slm.params.thresholds import ThresholdParams

N_LABELS = len(LABELS)
PLAIN = ThresholdParams(grid_step=0.01, shrinkages=[0], folds=2)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def test_grid():
    assert thresholds.threshold_grid(0.1).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert len(thresholds.threshold_grid(0.01)) == 99
    assert thresholds.threshold_grid(0.03)[[0, -1]].tolist() == [0.03, 0.99]


def test_ties_go_to_the_nearest_to_the_global_threshold():
    # Every label is separated by any threshold in (0.2, 0.8]; joy only by one in (0.85, 0.9].
    gold = np.zeros((10, N_LABELS), dtype=np.int8)
    gold[:5] = 1
    scores = np.where(gold, 0.8, 0.2)
    joy = LABEL_INDEX["joy"]
    scores[:, joy] = np.where(gold[:, joy], 0.9, 0.85)
    tuned = thresholds.tune(scores, gold, PLAIN, seed=0)
    assert tuned.global_threshold == 0.5
    assert tuned.per_label[joy] == 0.86
    assert np.delete(tuned.per_label, joy) == pytest.approx(0.5)


def test_label_without_positives_takes_the_global_threshold(scored):
    gold, logits = scored
    gold[:, 7] = 0
    tuned = thresholds.tune(probabilities_of(logits), gold, PLAIN, seed=0)
    assert tuned.per_label[7] == tuned.global_threshold
    assert (np.delete(tuned.per_label, 7) != tuned.global_threshold).any()


def test_own_thresholds_are_optimal_by_brute_force(scored):
    gold, logits = scored
    scores = probabilities_of(logits)
    tuned = thresholds.tune(scores, gold, PLAIN.model_copy(update={"grid_step": 0.05}), seed=0)
    grid = thresholds.threshold_grid(0.05)
    for column in range(N_LABELS):
        best = max(f1_score(gold[:, column], scores[:, column] >= t) for t in grid)
        reached = f1_score(gold[:, column], scores[:, column] >= tuned.per_label[column])
        assert reached == pytest.approx(best)
    macro = [f1_score(gold, scores >= t, average="macro") for t in grid]
    reached = f1_score(gold, scores >= tuned.global_threshold, average="macro")
    assert reached == pytest.approx(max(macro))


def test_shrinkage_weighs_by_positives(scored):
    gold, logits = scored
    scores = probabilities_of(logits)
    own = thresholds.tune(scores, gold, PLAIN, seed=0)
    shrunk = thresholds.tune(scores, gold, PLAIN.model_copy(update={"shrinkages": [40.0]}), seed=0)
    weight = gold.sum(axis=0) / (gold.sum(axis=0) + 40)
    expected = weight * own.per_label + (1 - weight) * own.global_threshold
    assert shrunk.per_label == pytest.approx(expected, abs=1e-6)
    assert shrunk.shrinkage == 40.0


def test_shrinkage_is_chosen_by_cross_validation():
    params = ThresholdParams(grid_step=0.01, shrinkages=[0, 1e6], folds=5)
    rng = np.random.default_rng(3)
    gold = (rng.random((150, N_LABELS)) < 0.05).astype(np.int8)
    # The same calibration for every label: what a label's few positives say apart is noise.
    alike = probabilities_of(rng.normal(size=gold.shape) + 1.5 * gold - 2)
    assert thresholds.tune(alike, gold, params, seed=0).shrinkage == 1e6
    # Plenty of rows, and a scale of its own for every label: a common threshold loses.
    gold = (rng.random((3000, N_LABELS)) < 0.2).astype(np.int8)
    shifted = probabilities_of(
        rng.normal(size=gold.shape) + 3 * gold + np.linspace(-6, 3, N_LABELS)
    )
    tuned = thresholds.tune(shifted, gold, params, seed=0)
    assert tuned.shrinkage == 0
    assert set(tuned.cross_validation) == {0, 1e6}
    assert tuned.cross_validation[0] > tuned.cross_validation[1e6]


@settings(max_examples=25)
@given(st.permutations(range(60)), st.integers(0, 5))
def test_order_of_rows_changes_nothing(order, seed):
    rng = np.random.default_rng(seed)
    gold = (rng.random((60, N_LABELS)) < 0.2).astype(np.int8)
    scores = rng.random(gold.shape).round(1)  # many ties
    params = ThresholdParams(grid_step=0.05, shrinkages=[0, 10, 100], folds=3)
    first = thresholds.tune(scores, gold, params, seed=1)
    second = thresholds.tune(scores[order], gold[order], params, seed=1)
    assert first.to_dict() == second.to_dict()


def test_full_size_takes_under_two_seconds():
    rng = np.random.default_rng(0)
    gold = (rng.random((10_853, N_LABELS)) < 0.05).astype(np.int8)
    params = ThresholdParams(grid_step=0.01, shrinkages=[0, 10, 30, 100, 300], folds=5)
    scores = rng.random(gold.shape)
    started = time.process_time()
    thresholds.tune(scores, gold, params, seed=1)
    assert time.process_time() - started < 2


def test_round_trip_through_json(scored):
    gold, logits = scored
    params = ThresholdParams(grid_step=0.05, shrinkages=[0, 30], folds=3)
    written = thresholds.tune(probabilities_of(logits), gold, params, seed=0)
    content = json.loads(json.dumps(written.to_dict()))
    read = Thresholds.from_dict(content)
    assert read.to_dict() == written.to_dict()
    assert (read.per_label == written.per_label).all()
    assert list(content["per_label"]) == list(LABELS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("global"), "global"),
        (lambda content: content["per_label"].pop("joy"), "joy"),
        (lambda content: content["per_label"].update(happiness=0.5), "happiness"),
        (lambda content: content["per_label"].update(joy=1.5), "joy"),
        (lambda content: content["per_label"].update(joy=float("nan")), "joy"),
        (lambda content: content.update(per_label=[0.5] * 28), "not a thresholds file"),
    ],
)
def test_damaged_file_is_named(change, named):
    content = Thresholds(np.full(N_LABELS, 0.5), 0.5, 0.0, {0.0: 0.1}).to_dict()
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Thresholds.from_dict(content, "here.json")


def test_curves_are_the_f1_at_each_threshold(scored):
    gold, logits = scored
    probabilities, grid = 1 / (1 + np.exp(-logits)), np.array([0.2, 0.5, 0.9])
    curves = thresholds.f1_curves(probabilities, gold, grid)
    for place, threshold in enumerate(grid):
        expected = f1_score(gold, probabilities >= threshold, average=None, zero_division=0)
        assert curves[:, place] == pytest.approx(expected)
