import numpy as np
import pandas as pd
import pytest
from sampler_comparison import summary
from sampler_comparison.intervals import Interval
from sampler_comparison.names import ALL, MOVED, NONE
from sampler_comparison.scores import METRICS


@pytest.fixture
def folds():
    """Two problems, two classifiers, ten folds; in problem "a" ISMOTE is .1 better than none."""
    random = np.random.default_rng(0)
    rows = []
    for problem, gain in (("a", 0.1), ("b", 0.0)):
        for classifier in ("linear", "local"):
            for fold in range(10):
                base = 0.5 + 0.01 * random.normal()
                for sampler in (NONE, MOVED, "ADASYN", "ISMOTE"):
                    value = base + 0.01 * random.normal() + (gain if sampler == "ISMOTE" else 0)
                    row = {"problem": problem, "classifier": classifier, "fold": fold}
                    added = 0 if sampler in (NONE, MOVED) else 8
                    row |= {"sampler": sampler, "synthetic": added, "failure": ""}
                    rows.append(row | dict.fromkeys(METRICS, value))
    return pd.DataFrame(rows)


def failing(folds):
    """ADASYN fails on folds 0 and 1 of problem "a" and adds nothing on fold 2."""
    here = (folds["problem"] == "a") & (folds["sampler"] == "ADASYN")
    folds.loc[here & (folds["fold"] < 2), list(METRICS)] = np.nan
    folds.loc[here & (folds["fold"] < 2), "failure"] = "no rows"
    folds.loc[here & (folds["fold"] == 2), "synthetic"] = 0
    return folds


def one(frame, **values):
    for column, value in values.items():
        frame = frame[frame[column] == value]
    (row,) = frame.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("interval", "higher_is_better", "expected"),
    [
        (Interval(0.2, 0.1, 0.3), True, "win"),
        (Interval(0.2, 0.1, 0.3), False, "loss"),
        (Interval(-0.2, -0.3, -0.1), True, "loss"),
        (Interval(-0.2, -0.3, -0.1), False, "win"),
        (Interval(0.1, -0.1, 0.3), True, "tie"),
        (Interval(0.0, 0.0, 0.0), True, "tie"),
    ],
)
def test_verdict(interval, higher_is_better, expected):
    assert summary.verdict(interval, higher_is_better) == expected


def test_failed_folds_are_counted_and_left_out_of_the_pairs(folds):
    folds = failing(folds)
    keys = {"problem": "a", "classifier": "linear", "metric": "auc"}
    counted = one(summary.results(folds), sampler="ADASYN", **keys)
    assert (counted["failed"], counted["unchanged"]) == (2, 1)
    paired = summary.differences(folds, 5, 0.95)
    for classifier in ("linear", ALL):
        keys["classifier"] = classifier
        assert one(paired, rival="ADASYN", **keys)["folds"] == 8
        assert one(paired, rival=NONE, **keys)["folds"] == 10


def test_not_sampling_is_not_counted_as_unchanged(folds):
    table = summary.results(folds)
    assert table["unchanged"].sum() == table["failed"].sum() == 0


def test_a_clear_gain_is_a_win_and_for_brier_a_loss(folds):
    paired = summary.differences(folds, 5, 0.95)
    keys = {"problem": "a", "classifier": "local", "rival": NONE}
    assert one(paired, metric="auc", **keys)["verdict"] == "win"
    assert one(paired, metric="brier", **keys)["verdict"] == "loss"
    assert one(paired, metric="auc", **keys)["mean"] == pytest.approx(0.1, abs=0.02)


def test_overall_averages_problems_and_counts_every_cell(folds):
    paired, means = summary.differences(folds, 5, 0.95), summary.results(folds)
    total = summary.overall(paired, means, 0.95)
    entry = total["differences"]["f1"][NONE][ALL]
    assert entry["mean"] == pytest.approx(0.05, abs=0.02)
    assert entry["low"] < 0 < entry["high"]  # two problems that disagree
    assert (entry["wins"], entry["ties"], entry["losses"]) == (2, 2, 0)
    entry = total["differences"]["f1"][NONE]["linear"]
    assert (entry["wins"], entry["ties"], entry["losses"]) == (1, 1, 0)


def test_rank_1_is_the_best(folds):
    folds.loc[folds["sampler"] == "ISMOTE", list(METRICS)] += 1
    ranks = summary.ranks(summary.results(folds))
    assert ranks["auc"]["ISMOTE"] == 1 and ranks["brier"]["ISMOTE"] == 3
    assert MOVED not in ranks["auc"]
