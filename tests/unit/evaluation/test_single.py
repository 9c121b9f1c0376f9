"""Metrics, decisions and baselines where each row carries exactly one label."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, f1_score, log_loss
from support.single import LABELS, frames

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.baselines import baselines
from emotion_slm.evaluation.evaluate import Scored, evaluate
from emotion_slm.evaluation.params import BaselinesParams, TfidfParams
from emotion_slm.evaluation.results import reliability

PARAMS = ThresholdParams(grid_step=0.1, folds=3, shrinkage=100)


def scored(seed: int, rows: int = 300) -> Scored:
    """Logits that rank well and are far too sure."""
    random = np.random.default_rng(seed)
    gold = np.eye(3, dtype=np.int8)[random.choice(3, rows, p=[0.5, 0.3, 0.2])]
    logits = (6 * (random.normal(size=gold.shape) + 1.5 * gold)).astype(np.float32)
    return Scored(logits, gold, np.arange(rows), LABELS)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(scored(1), scored(2), PARAMS, 0)


def test_metrics_are_scikit_learn_s():
    part = scored(0)
    probabilities = softmax(part.logits.astype(np.float64), axis=1)
    found = metrics.overall_of_one(part.gold, probabilities, LABELS.target_columns)
    gold, predicted = part.gold.argmax(axis=1), probabilities.argmax(axis=1)
    expected = {
        "accuracy": accuracy_score(gold, predicted),
        "macro_f1": f1_score(gold, predicted, average="macro"),
        "nll": log_loss(gold, probabilities),
        "brier": ((probabilities - part.gold) ** 2).sum(axis=1).mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_calibration_error_is_that_of_the_most_probable_label():
    probabilities = np.tile([0.8, 0.1, 0.1], (10, 1))
    gold = np.eye(3, dtype=np.int8)[[0] * 6 + [1] * 4]  # right on six of ten
    found = metrics.overall_of_one(gold, probabilities, [0])
    assert found["ece"] == pytest.approx(0.2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.overall_of_one(gold, probabilities * 2, [0])


def test_each_row_is_given_its_most_probable_label(evaluation):
    assert evaluation.decision.thresholds is None
    predicted = evaluation.decision.predicted(evaluation.probabilities)
    assert (predicted.sum(axis=1) == 1).all()
    right = (predicted * scored(2).gold).sum(axis=1).mean()
    assert evaluation.test["accuracy"] == pytest.approx(right, abs=1e-6)


def test_calibration_mends_probabilities_and_intervals_hold_the_scores(evaluation):
    test = evaluation.test
    assert test["nll"] < evaluation.at_half["nll"] and test["ece"] < evaluation.at_half["ece"]
    for name in ("macro_f1", "accuracy"):
        assert test[f"{name}_low"] < test[name] < test[f"{name}_high"]


def test_reliability_is_that_of_the_most_probable_label(evaluation):
    rows = reliability(scored(2), evaluation.probabilities)
    assert sum(row["entries"] for row in rows) == 300
    assert min(row["calibrated_mean"] for row in rows) >= 1 / 3


def test_baselines_of_one_label_a_row():
    corpus = [
        frame.assign(duplicate_group=np.arange(len(frame))) for frame in frames(160, 100, 100)
    ]
    params = BaselinesParams(tfidf=TfidfParams(min_df=1, max_ngram=1, c=10.0), thresholds=PARAMS)
    found = baselines(*corpus, LABELS, params, 0)
    labels = pd.Series([row[0] for row in corpus[2]["labels"]])
    assert found["majority_accuracy"] == pytest.approx(labels.eq("billing").mean(), abs=1e-6)
    assert found["tfidf_accuracy"] > found["majority_accuracy"] + 0.2
    assert found["tfidf_macro_f1"] > 0.7


def test_a_label_without_training_rows_is_improbable_but_possible():
    train, validation, test = (
        frame.assign(duplicate_group=np.arange(len(frame))) for frame in frames(160, 100, 100)
    )
    known = train[[row[0] != "question" for row in train["labels"]]]
    params = BaselinesParams(tfidf=TfidfParams(min_df=1, max_ngram=1, c=10.0), thresholds=PARAMS)
    found = baselines(known, validation, test, LABELS, params, 0)
    assert 0 < found["tfidf_macro_f1"] < 0.7
