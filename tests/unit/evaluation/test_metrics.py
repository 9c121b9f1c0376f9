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
    label_ranking_average_precision_score,
    roc_auc_score,
)

from emotion_slm.common import ranking
from emotion_slm.corpus.labels import LABEL_INDEX, LABELS, TARGETS
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
    result = metrics.evaluate(gold, probabilities, HALF)
    joy, neutral = result["per_label"]["joy"], result["per_label"]["neutral"]
    assert (joy["precision"], joy["recall"], joy["f1"]) == (0.666667, 0.666667, 0.666667)
    assert joy["support"] == 3
    assert joy["ap"] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3, abs=1e-6)
    assert (neutral["precision"], neutral["recall"], neutral["ap"]) == (1.0, 0.5, 1.0)
    assert result["per_label"]["grief"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "ap": 0.0, "auroc": 0.0, "support": 0,
        "few_positives": True,
    }  # fmt: skip
    assert joy["auroc"] == pytest.approx(1 / 3, abs=1e-6)  # of .9, .5 and .4 one is above .6
    assert result["auroc"] == pytest.approx((joy["auroc"] + 1) / 2, abs=1e-6)
    assert result["hamming_loss"] == pytest.approx(4 / (4 * 28), abs=1e-6)
    # Ekman's joy as joy, grief's false alarm is sadness, neutral stands alone.
    assert result["ekman"]["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 7, abs=1e-6)
    assert result["sentiment"]["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 4, abs=1e-6)
    for taxonomy in ("ekman", "sentiment"):
        assert result[taxonomy]["micro_f1"] == result["micro_f1"]
    two_thirds = 2 / 3
    assert result["macro_f1"] == pytest.approx(2 * two_thirds / 28, abs=1e-6)
    assert result["macro_precision"] == pytest.approx((two_thirds + 1) / 28, abs=1e-6)
    assert result["macro_recall"] == pytest.approx((two_thirds + 0.5) / 28, abs=1e-6)
    assert result["micro_f1"] == pytest.approx(2 * 3 / (5 + 5), abs=1e-6)
    assert result["exact_accuracy"] == 0.5
    assert result["map"] == pytest.approx((joy["ap"] + 1) / 2, abs=1e-6)
    assert result["target"]["macro_f1"] == pytest.approx(two_thirds / len(TARGETS), abs=1e-6)
    squares = 0.1**2 + 0.5**2 + 0.6**2 + 0.6**2 + 0.7**2 + 0.2**2 + 0.7**2
    assert result["brier"] == pytest.approx(squares / (4 * 28), abs=1e-6)


def test_probability_at_the_threshold_counts_as_predicted():
    gold, probabilities = columns(joy=[1, 0]).astype(np.int8), columns(joy=[0.3, 0.2999])
    thresholds = HALF.copy()
    thresholds[LABEL_INDEX["joy"]] = 0.3
    assert metrics.evaluate(gold, probabilities, thresholds)["per_label"]["joy"]["f1"] == 1.0


def test_result_is_plain_rounded_json(scored):
    gold, logits = scored
    result = metrics.evaluate(gold, 1 / (1 + np.exp(-logits)), HALF)
    assert json.loads(json.dumps(result)) == result
    assert result["ece"] == round(result["ece"], 6) > 0
    assert isinstance(result["per_label"]["joy"]["support"], int)


def test_agrees_with_scikit_learn(scored):
    gold, logits = scored
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    result = metrics.evaluate(gold, probabilities, HALF)
    predicted = probabilities >= 0.5
    assert result["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro"), abs=1e-6)
    assert result["map"] == pytest.approx(average_precision_score(gold, probabilities), abs=1e-6)
    assert ranking.f1_from_counts(
        (predicted & (gold > 0)).sum(axis=0), predicted.sum(axis=0), gold.sum(axis=0)
    ) == pytest.approx(f1_score(gold, predicted, average=None))


ranked = st.integers(1, 12).flatmap(
    lambda rows: st.tuples(
        arrays.arrays(np.int8, (rows, 5), elements=st.integers(0, 1)),
        arrays.arrays(np.float64, (rows, 5), elements=st.sampled_from(np.linspace(0, 1, 6))),
    )
)


@given(ranked)
def test_label_ranking_average_precision_equals_scikit_learns(case):
    gold, scores = case
    expected = label_ranking_average_precision_score(gold, scores)
    assert metrics.label_ranking_average_precision(gold, scores) == pytest.approx(expected)


def test_label_ranking_over_several_chunks_of_rows():
    random = np.random.default_rng(0)
    gold, scores = random.integers(0, 2, (2500, 4)), random.random((2500, 4))
    expected = label_ranking_average_precision_score(gold, scores)
    assert metrics.label_ranking_average_precision(gold, scores) == pytest.approx(expected)


def test_ranking_is_by_scores_where_given(scored):
    gold, logits = scored
    tied = np.full(logits.shape, 0.5)
    result = metrics.evaluate(gold, tied, HALF, logits)
    assert result["map"] == metrics.evaluate(gold, expit(logits), HALF)["map"]
    assert result["per_label"]["joy"]["auroc"] == pytest.approx(
        roc_auc_score(gold[:, LABEL_INDEX["joy"]], logits[:, LABEL_INDEX["joy"]]), abs=1e-6
    )
    assert metrics.evaluate(gold, tied, HALF)["auroc"] == 0.5


def test_headline_is_part_of_all_metrics(scored):
    gold, logits = scored
    headline = metrics.headline(gold, expit(logits), HALF)
    result = metrics.evaluate(gold, expit(logits), HALF)
    assert headline.pop("target_macro_f1") == result["target"]["macro_f1"]
    assert headline == {key: result[key] for key in headline}
    assert len(headline) == 5


def test_few_positives_are_flagged_below_a_hundred():
    gold = np.zeros((200, N_LABELS), dtype=np.int8)
    gold[:100, 0] = gold[:99, 1] = 1
    rows = metrics.evaluate(gold, gold.astype(float), HALF)["per_label"]
    assert [rows[label]["few_positives"] for label in LABELS[:2]] == [False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_is_refused(scored, value):
    gold, logits = scored
    probabilities = expit(logits)
    probabilities[7, 3] = value
    for measure in (metrics.evaluate, metrics.headline):
        with pytest.raises(ValueError, match="between 0 and 1"):
            measure(gold, probabilities, HALF)


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
