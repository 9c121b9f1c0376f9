import time

import numpy as np
import pytest
import shrunken_thresholds as shrunken
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from shrunken_thresholds import ShrunkenParams
from sklearn.metrics import f1_score
from support.labels import LABEL_INDEX, LABELS

from emotion_slm.calibration import thresholds
from emotion_slm.calibration.thresholds import threshold_grid

N_LABELS = len(LABELS)
PLAIN = ShrunkenParams(grid_step=0.01, shrinkages=[0], folds=2)


def test_ties_go_to_the_nearest_to_the_global_threshold():
    # Every label is separated by any threshold in (0.2, 0.8]; joy only by one in (0.85, 0.9].
    gold = np.zeros((10, N_LABELS), dtype=np.int8)
    gold[:5] = 1
    scores = np.where(gold, 0.8, 0.2)
    joy = LABEL_INDEX["joy"]
    scores[:, joy] = np.where(gold[:, joy], 0.9, 0.85)
    tuned = shrunken.tune(scores, gold, PLAIN, seed=0)
    assert tuned.global_threshold == 0.5
    assert tuned.per_label[joy] == 0.86
    assert np.delete(tuned.per_label, joy) == pytest.approx(0.5)


def test_label_without_positives_takes_the_global_threshold(scored):
    gold, logits = scored
    gold[:, 7] = 0
    tuned = shrunken.tune(expit(logits.astype(np.float64)), gold, PLAIN, seed=0)
    assert tuned.per_label[7] == tuned.global_threshold
    assert (np.delete(tuned.per_label, 7) != tuned.global_threshold).any()


def test_own_thresholds_are_optimal_by_brute_force(scored):
    gold, logits = scored
    scores = expit(logits.astype(np.float64))
    tuned = shrunken.tune(scores, gold, PLAIN.model_copy(update={"grid_step": 0.05}), seed=0)
    grid = threshold_grid(0.05)
    for column in range(N_LABELS):
        best = max(f1_score(gold[:, column], scores[:, column] >= t) for t in grid)
        reached = f1_score(gold[:, column], scores[:, column] >= tuned.per_label[column])
        assert reached == pytest.approx(best)
    macro = [f1_score(gold, scores >= t, average="macro") for t in grid]
    reached = f1_score(gold, scores >= tuned.global_threshold, average="macro")
    assert reached == pytest.approx(max(macro))


def test_shrinkage_weighs_by_positives(scored):
    gold, logits = scored
    scores = expit(logits.astype(np.float64))
    own = shrunken.tune(scores, gold, PLAIN, seed=0)
    drawn = shrunken.tune(scores, gold, PLAIN.model_copy(update={"shrinkages": [40.0]}), seed=0)
    weight = gold.sum(axis=0) / (gold.sum(axis=0) + 40)
    expected = weight * own.per_label + (1 - weight) * own.global_threshold
    assert drawn.per_label == pytest.approx(expected, abs=1e-6)
    assert drawn.shrinkage == 40.0


def test_shrinkage_is_chosen_by_cross_validation():
    params = ShrunkenParams(grid_step=0.01, shrinkages=[0, 1e6], folds=5)
    rng = np.random.default_rng(3)
    gold = (rng.random((150, N_LABELS)) < 0.05).astype(np.int8)
    # The same calibration for every label: what a label's few positives say apart is noise.
    alike = expit(rng.normal(size=gold.shape) + 1.5 * gold - 2)
    assert shrunken.tune(alike, gold, params, seed=0).shrinkage == 1e6
    # Plenty of rows, and a scale of its own for every label: a common threshold loses.
    gold = (rng.random((3000, N_LABELS)) < 0.2).astype(np.int8)
    shifted = expit(rng.normal(size=gold.shape) + 3 * gold + np.linspace(-6, 3, N_LABELS))
    tuned = shrunken.tune(shifted, gold, params, seed=0)
    assert tuned.shrinkage == 0
    assert set(tuned.cross_validation) == {0, 1e6}
    assert tuned.cross_validation[0] > tuned.cross_validation[1e6]


@settings(max_examples=25)
@given(st.permutations(range(60)), st.integers(0, 5))
def test_order_of_rows_changes_nothing(order, seed):
    rng = np.random.default_rng(seed)
    gold = (rng.random((60, N_LABELS)) < 0.2).astype(np.int8)
    scores = rng.random(gold.shape).round(1)  # many ties
    params = ShrunkenParams(grid_step=0.05, shrinkages=[0, 10, 100], folds=3)
    first = shrunken.tune(scores, gold, params, seed=1)
    second = shrunken.tune(scores[order], gold[order], params, seed=1)
    assert (first.per_label == second.per_label).all()
    assert first[1:] == second[1:]


def test_full_size_takes_under_two_seconds():
    rng = np.random.default_rng(0)
    gold = (rng.random((10_853, N_LABELS)) < 0.05).astype(np.int8)
    params = ShrunkenParams(grid_step=0.01, shrinkages=[0, 10, 30, 100, 300], folds=5)
    scores = rng.random(gold.shape)
    started = time.process_time()
    shrunken.tune(scores, gold, params, seed=1)
    assert time.process_time() - started < 2


def test_on_calibrated_scores_it_beats_the_best_f1_of_few_rows():
    random = np.random.default_rng(5)
    few, many = (random.normal(-4.5, 2, (rows, N_LABELS)) for rows in (300, 20_000))
    gold, truth = (
        (random.random(logits.shape) < expit(logits.astype(np.float64))).astype(np.int8)
        for logits in (few, many)
    )
    scores = expit(many)
    ours = thresholds.tune(expit(few), gold, 0.01, 100).per_label
    params = ShrunkenParams(grid_step=0.01, shrinkages=[0, 10, 30, 100, 300], folds=5)
    on_gold = shrunken.tune(expit(few), gold, params, seed=0).per_label
    reached = [f1_score(truth, scores >= cut, average="macro") for cut in (ours, on_gold)]
    assert reached[0] > reached[1]
