import numpy as np
import pandas as pd
import pytest
from balance_ablation import differences
from balance_ablation.names import ADAPTED, BOTH, LINEAR, NONE, OWN, THRESHOLDS
from balance_ablation.params import BootstrapParams
from sklearn.metrics import f1_score
from support.labels import LABELS

from emotion_slm.common.seeds import child_seed
from emotion_slm.evaluation.bootstrap import paired_difference

ROWS = 300


@pytest.fixture(scope="module")
def comparison_and_rows():
    """Two seeds of none, of an arm that errs half as often, and of one that predicts the same."""
    random = np.random.default_rng(0)
    gold = random.random((ROWS, 28)) < 0.3
    arms, predicted = [], []
    for seed in (1, 2):
        wrong = random.random(gold.shape) < 0.3
        for balancing, errors in (
            (NONE, wrong),
            (BOTH, wrong & (random.random(gold.shape) < 0.5)),
            ("same", wrong),
        ):
            arms.append((ADAPTED, LINEAR, balancing, "focal", seed))
            predicted.append([gold ^ errors] * len(THRESHOLDS))
    arms.append((ADAPTED, OWN, NONE, "asymmetric", 3))
    predicted.append([gold] * len(THRESHOLDS))
    results = pd.DataFrame(arms, columns=["vectors", "head", "balancing", "loss", "seed"])
    for kind in THRESHOLDS:
        results[f"macro_f1_{kind}"] = [
            f1_score(gold, of_arm[0], average="macro") for of_arm in predicted
        ]
    names = np.array(LABELS)
    test = pd.DataFrame({"labels": [list(names[row]) for row in gold]})
    test["duplicate_group"] = np.arange(ROWS)
    params = BootstrapParams(replicates=200, seed=1)
    return differences.Comparison(results, np.array(predicted), test, params), predicted, gold


@pytest.fixture
def comparison(comparison_and_rows):
    return comparison_and_rows[0]


def test_every_balancing_is_compared_with_none(comparison):
    found = pd.DataFrame(differences.differences(comparison))
    assert list(found["balancing"].unique()) == [BOTH, "same"]
    assert len(found) == 2 * len(THRESHOLDS)
    better, same = (found[found["balancing"] == name] for name in (BOTH, "same"))
    assert (better["low"] > 0).all()
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)


def test_intervals_are_those_of_the_library(comparison_and_rows):
    comparison, predicted, gold = comparison_and_rows
    first, second = comparison.rows_of(balancing=BOTH), comparison.rows_of(balancing="same")
    assert list(first) == [1, 4] and list(second) == [2, 5]
    found, *_ = comparison.against(first, second)
    expected = paired_difference(
        [predicted[row][0] for row in first],
        [predicted[row][0] for row in second],
        gold,
        np.arange(ROWS),
        200,
        child_seed(1, "bootstrap"),
    )
    assert [found[name] for name in expected._fields] == pytest.approx(list(expected))


def test_contrasts_without_one_of_their_arms_are_left_out(comparison):
    found = pd.DataFrame(differences.contrasts(comparison))
    assert list(found["contrast"].unique()) == ["adapted: linear head − adapt's own"]
    assert (found["loss"] == "focal").all() and (found["high"] < 0).all()


@pytest.mark.parametrize(("half", "clear"), [(0.1, True), (0.9, False), (1.1, False)])
def test_the_correction_widens_the_interval(half, clear):
    row = {"difference": 1.0, "low": 1.0 - half, "high": 1.0 + half}
    assert differences.with_correction([row] * 20)["clear"].tolist() == [clear] * 20


def test_a_single_comparison_needs_no_correction():
    rows = [{"difference": 1.0, "low": 0.01, "high": 1.99}]
    assert differences.with_correction(rows)["clear"].all()
