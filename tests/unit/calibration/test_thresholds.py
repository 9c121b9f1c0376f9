import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import f1_score

from emotion_slm.calibration import thresholds
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.errors import EmotionSlmError

NAMES = ("joy", "grief", "fear")  # of three labels


def test_grid():
    assert thresholds.threshold_grid(0.1).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert len(thresholds.threshold_grid(0.01)) == 99
    assert thresholds.threshold_grid(0.03)[[0, -1]].tolist() == [0.03, 0.99]


def expected_f1(column: np.ndarray, threshold: float) -> float:
    chosen = column >= threshold
    return 2 * column[chosen].sum() / (chosen.sum() + column.sum())


def test_thresholds_are_mixed_of_both_optima_by_brute_force(few):
    gold, logits = few
    scores, shrinkage = expit(logits.astype(np.float64)), 50
    tuned = thresholds.tune(scores, gold, 0.05, shrinkage)
    grid = thresholds.threshold_grid(0.05)
    macro = [np.mean([expected_f1(column, t) for column in scores.T]) for t in grid]
    assert grid[np.argmax(macro)] == tuned.global_threshold
    for label in range(3):
        column, positive = scores[:, label], gold[:, label]

        def best(f1, anchor):
            top = max(map(f1, grid))
            ties = [t for t in grid if f1(t) == pytest.approx(top, abs=1e-12)]
            return min(ties, key=lambda t: round(abs(t - anchor), 6))

        expected = best(lambda t, p=column: expected_f1(p, t), tuned.global_threshold)
        own = best(lambda t, p=column, y=positive: f1_score(y, p >= t, zero_division=0), expected)
        weight = positive.sum() / (positive.sum() + shrinkage)
        mixed = weight * own + (1 - weight) * expected
        assert tuned.per_label[label] == pytest.approx(mixed, abs=1e-6)


def test_the_expected_optimum_is_half_the_best_f1(few):
    """Lipton, Elkan and Naryanaswamy 2014, theorem 1: the optimum on probabilities is F* / 2."""
    _, logits = few
    scores = expit(np.repeat(logits, 20, axis=0))
    grid = thresholds.threshold_grid(0.001)
    best = thresholds.expected_f1_curves(scores, grid).max(axis=1)
    gold = np.ones(scores.shape, dtype=np.int8)
    tuned = thresholds.tune(scores, gold, 0.001, shrinkage=1e12)
    # Between neighbouring probabilities every threshold is as good.
    for column, own, half in zip(scores.T, tuned.per_label, best / 2, strict=True):
        low, high = sorted([own, half])
        assert not ((column > low + 0.001) & (column < high - 0.001)).any()


def test_a_rare_label_hardly_moves_with_its_gold(few):
    """Whichever of the rows the positives are: they speak through calibration for the most part."""
    gold, logits = few
    scores, order = expit(logits.astype(np.float64)), np.argsort(logits[:, 1])
    places = [order[-2:], order[len(order) // 2 :][:2]]  # the two highest scores, and middling ones

    def moved(shrinkage: float) -> float:
        found = []
        for place in places:
            gold[:, 1] = 0
            gold[place, 1] = 1
            found.append(thresholds.tune(scores, gold, 0.01, shrinkage).per_label[1])
        return abs(found[0] - found[1])

    assert moved(0.01) > 0.1
    assert moved(100) < 0.02


def test_where_calibration_errs_a_frequent_label_follows_its_gold():
    random = np.random.default_rng(6)
    truth = random.random((20_000, 3))
    gold = (random.random(truth.shape) < truth**3).astype(np.int8)  # scores promise too much
    on_gold = thresholds.tune(truth, gold, 0.01, 100).per_label
    on_scores = thresholds.tune(truth, gold, 0.01, 1e12).per_label
    reached = [f1_score(gold, truth >= cut, average="macro") for cut in (on_gold, on_scores)]
    assert reached[0] > reached[1] + 0.01


def test_ties_go_to_the_nearest_to_the_global_threshold():
    # Labels are separated by any threshold in (0.02, 0.8], the first only by one in (0.3, 0.9].
    gold = np.zeros((10, 3), dtype=np.int8)
    gold[:5] = 1
    scores = np.where(gold, 0.8, 0.02)
    scores[:, 0] = np.where(gold[:, 0], 0.9, 0.3)
    tuned = thresholds.tune(scores, gold, 0.01, 100)
    assert tuned.global_threshold == 0.5
    assert tuned.per_label == pytest.approx(0.5)
    scores[:, 0] = np.where(gold[:, 0], 1e-4, 1e-5)  # out of the grid's reach
    assert thresholds.tune(scores, gold, 0.01, 100).per_label[0] == 0.5


def test_label_without_positives_takes_the_global_threshold(few):
    gold, logits = few
    gold[:, 1] = 0
    tuned = thresholds.tune(expit(logits.astype(np.float64)), gold, 0.01, 100)
    assert tuned.per_label[1] == tuned.global_threshold
    assert (np.delete(tuned.per_label, 1) != tuned.global_threshold).any()


@settings(max_examples=25)
@given(st.permutations(range(60)), st.integers(0, 5))
def test_order_of_rows_changes_nothing(order, seed):
    rng = np.random.default_rng(seed)
    gold = (rng.random((60, 3)) < 0.2).astype(np.int8)
    scores = rng.random(gold.shape).round(1)  # many ties
    first = thresholds.tune(scores, gold, 0.05, 100)
    assert first.to_dict(NAMES) == thresholds.tune(scores[order], gold[order], 0.05, 100).to_dict(
        NAMES
    )


def test_round_trip_through_json(few):
    gold, logits = few
    written = thresholds.tune(expit(logits.astype(np.float64)), gold, 0.05, 100)
    content = json.loads(json.dumps(written.to_dict(NAMES)))
    read = Thresholds.from_dict(content, NAMES)
    assert read.to_dict(NAMES) == written.to_dict(NAMES)
    assert (read.per_label == written.per_label).all()
    assert list(content["per_label"]) == list(NAMES)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("global"), "global"),
        (lambda content: content["per_label"].pop("joy"), "joy"),
        (lambda content: content["per_label"].update(happiness=0.5), "happiness"),
        (lambda content: content["per_label"].update(joy=1.5), "joy"),
        (lambda content: content["per_label"].update(joy=float("nan")), "joy"),
        (lambda content: content["per_label"].update(joy=-1), "joy"),
        (lambda content: content.update({"global": 2}), "global"),
        (lambda content: content.update({"global": float("nan")}), "global"),
        (lambda content: content.update(per_label=[0.5] * 3), "not a thresholds file"),
    ],
)
def test_damaged_file_is_named(change, named):
    content = Thresholds(np.full(3, 0.5), 0.5).to_dict(NAMES)
    change(content)
    with pytest.raises(EmotionSlmError, match=f"here.json.*{named}"):
        Thresholds.from_dict(content, NAMES, "here.json")


def test_curves_are_the_f1_at_each_threshold(few):
    gold, logits = few
    probabilities, grid = expit(logits), np.array([0.2, 0.5, 0.9])
    curves = thresholds.f1_curves(probabilities, gold, grid)
    for place, threshold in enumerate(grid):
        expected = f1_score(gold, probabilities >= threshold, average=None, zero_division=0)
        assert curves[:, place] == pytest.approx(expected)
