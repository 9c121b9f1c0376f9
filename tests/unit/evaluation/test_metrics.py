import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS, TARGETS

from emotion_slm.common import ranking
from emotion_slm.evaluation import metrics

N_LABELS = len(LABELS)
HALF = np.full(N_LABELS, 0.5)


def columns(**by_label: list[float]) -> np.ndarray:
    """(n, 28) zeros but for the given labels."""
    rows = len(next(iter(by_label.values())))
    matrix = np.zeros((rows, N_LABELS))
    for label, values in by_label.items():
        matrix[:, LABEL_INDEX[label]] = values
    return matrix


def test_values_computed_by_hand():
    # joy: 2 hits, 1 false alarm, 1 miss; neutral: 1 hit, 1 miss; grief: 1 false alarm.
    gold = columns(joy=[1, 1, 1, 0], neutral=[0, 0, 1, 1]).astype(np.int8)
    probabilities = columns(
        joy=[0.9, 0.5, 0.4, 0.6], neutral=[0, 0, 0.3, 0.8], grief=[0, 0, 0, 0.7]
    )
    result = metrics.overall(gold, probabilities, HALF, GOEMOTIONS.target_columns)
    labels = metrics.per_label(gold, metrics.predictions(probabilities, HALF), probabilities)
    joy, neutral, grief = (LABEL_INDEX[label] for label in ("joy", "neutral", "grief"))
    two_thirds = 2 / 3
    for values in (labels.precision, labels.recall, labels.f1):
        assert values[joy] == pytest.approx(two_thirds)
    assert labels.support[joy] == 3
    assert labels.ap[joy] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert (labels.precision[neutral], labels.recall[neutral], labels.ap[neutral]) == (1, 0.5, 1)
    assert [values[grief] for values in labels] == [0] * 6
    assert labels.auroc[joy] == pytest.approx(1 / 3)  # of .9, .5 and .4 one is above .6
    assert result == pytest.approx(
        {
            "macro_f1": 2 * two_thirds / 28,
            "micro_f1": 2 * 3 / (5 + 5),
            "macro_precision": (two_thirds + 1) / 28,
            "macro_recall": (two_thirds + 0.5) / 28,
            "macro_f1_targets": two_thirds / len(TARGETS),
            "map": (labels.ap[joy] + 1) / 2,
            "auroc": (labels.auroc[joy] + 1) / 2,
            "exact_accuracy": 0.5,
            "ece": metrics.expected_calibration_error(gold, probabilities),
            "brier": (0.1**2 + 0.5**2 + 0.6**2 + 0.6**2 + 0.7**2 + 0.2**2 + 0.7**2) / (4 * 28),
        },
        abs=1e-6,
    )


def test_probability_at_the_threshold_counts_as_predicted():
    gold, probabilities = columns(joy=[1, 0]).astype(np.int8), columns(joy=[0.3, 0.2999])
    thresholds = HALF.copy()
    thresholds[LABEL_INDEX["joy"]] = 0.3
    assert metrics.predictions(probabilities, thresholds)[:, LABEL_INDEX["joy"]].tolist() == [1, 0]
    assert (
        metrics.overall(gold, probabilities, thresholds, GOEMOTIONS.target_columns)[
            "exact_accuracy"
        ]
        == 1.0
    )


def test_result_is_plain_rounded_json(scored):
    gold, logits = scored
    result = metrics.overall(gold, 1 / (1 + np.exp(-logits)), HALF, GOEMOTIONS.target_columns)
    assert json.loads(json.dumps(result)) == result
    assert result["ece"] == round(result["ece"], 6) > 0


def test_agrees_with_scikit_learn(scored):
    gold, logits = scored
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    result = metrics.overall(gold, probabilities, HALF, GOEMOTIONS.target_columns)
    predicted = probabilities >= 0.5
    assert result["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro"), abs=1e-6)
    assert result["map"] == pytest.approx(average_precision_score(gold, probabilities), abs=1e-6)
    assert ranking.f1_from_counts(
        (predicted & (gold > 0)).sum(axis=0), predicted.sum(axis=0), gold.sum(axis=0)
    ) == pytest.approx(f1_score(gold, predicted, average=None))


def test_ranking_is_by_scores_where_given(scored):
    gold, logits = scored
    tied = np.full(logits.shape, 0.5)
    result = metrics.overall(gold, tied, HALF, GOEMOTIONS.target_columns, logits)
    assert (
        result["map"]
        == metrics.overall(gold, expit(logits), HALF, GOEMOTIONS.target_columns)["map"]
    )
    joy = LABEL_INDEX["joy"]
    assert metrics.areas_under_roc(gold, logits)[joy] == pytest.approx(
        roc_auc_score(gold[:, joy], logits[:, joy])
    )
    assert metrics.overall(gold, tied, HALF, GOEMOTIONS.target_columns)["auroc"] == 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_is_refused(scored, value):
    gold, logits = scored
    probabilities = expit(logits)
    probabilities[7, 3] = value
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.overall(gold, probabilities, HALF, GOEMOTIONS.target_columns)


def test_equal_mass_bins_by_hand():
    probabilities = np.array([0.9, 0.1, 0.2, 0.8, 0.3])
    gold = np.array([1, 0, 1, 1, 0])
    confidence, observed, weight = metrics.equal_mass_bins(gold, probabilities, bins=2)
    assert confidence == pytest.approx([0.15, 2 / 3])
    assert observed == pytest.approx([0.5, 2 / 3])
    assert weight == pytest.approx([0.4, 0.6])


def test_ece_of_a_constant_is_its_distance_from_the_base_rate():
    gold = np.tile(np.arange(40)[:, None] < 10, (1, N_LABELS)).astype(np.int8)
    constant = np.full(gold.shape, 0.6)
    assert metrics.expected_calibration_error(gold, constant) == pytest.approx(0.35)


columns_of_28 = st.integers(1, 40).flatmap(
    lambda rows: st.tuples(
        arrays.arrays(np.int8, (rows, 3), elements=st.integers(0, 1)),
        arrays.arrays(np.float64, (rows, 3), elements=st.sampled_from(np.linspace(0, 1, 9))),
        st.permutations(range(rows)),
    )
)


@given(columns_of_28)
def test_ece_and_brier_are_bounded_and_blind_to_row_order(case):
    gold, probabilities, order = case
    ece = metrics.expected_calibration_error(gold, probabilities)
    brier = metrics.brier(gold, probabilities)
    assert 0 <= ece <= 1
    # Jensen: a bin's squared gap is at most its mean squared error.
    assert ece**2 <= brier + 1e-12
    assert metrics.expected_calibration_error(gold[order], probabilities[order]) == pytest.approx(
        ece, abs=1e-12
    )


@given(columns_of_28)
def test_brier_equals_scikit_learns(case):
    gold, probabilities, _ = case
    expected = brier_score_loss(gold.ravel(), probabilities.ravel(), pos_label=1, labels=[0, 1])
    assert metrics.brier(gold, probabilities) == pytest.approx(expected)
