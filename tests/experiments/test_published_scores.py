import numpy as np
import pandas as pd
import pytest
from published_protocol.layout import HONEST, LEAKED
from published_protocol.parents import Descent
from published_protocol.results import Outcome, over, per_label, summary
from published_protocol.scores import (
    HALF,
    SAME_ROWS,
    TEST,
    TUNED,
    Predicted,
    Scores,
    score,
    score_views,
)  # fmt: skip
from shrunken_thresholds import ShrunkenParams
from sklearn.metrics import f1_score
from support.labels import LABELS

PARAMS = ShrunkenParams(grid_step=0.05, shrinkages=[0, 10], folds=2)


def random_predictions(seed: int) -> Predicted:
    random = np.random.default_rng(seed)
    gold = (random.random((400, len(LABELS))) < 0.2).astype(np.int8)
    return Predicted(np.clip(random.random(gold.shape) * 0.6 + 0.3 * gold, 0, 1), gold)


@pytest.mark.parametrize("thresholds", [0.5, np.linspace(0.2, 0.8, len(LABELS))])
def test_scores_are_scikit_learns(thresholds):
    predicted = random_predictions(0)
    found = score(predicted, thresholds)
    chosen = predicted.probabilities >= thresholds
    expected = f1_score(predicted.gold, chosen, average=None, zero_division=0)
    np.testing.assert_allclose(found.per_label, expected)
    assert found.macro == pytest.approx(expected.mean())
    assert found.micro == pytest.approx(f1_score(predicted.gold, chosen, average="micro"))


def test_a_label_never_hit_scores_zero():
    predicted = random_predictions(0)
    assert score(predicted, 1.1) == (pytest.approx(np.zeros(len(LABELS))), 0, 0)


def test_thresholds_come_from_validation_alone():
    validation, test = random_predictions(1), random_predictions(2)
    views = score_views(validation, {"a": test, "b": validation}, PARAMS, 0)
    again = score_views(validation, {"a": test}, PARAMS, 0)
    assert views["a"][TUNED].macro == again["a"][TUNED].macro
    assert views["b"][TUNED].macro > views["b"][HALF].macro


def outcome(f1: float, views: tuple[str, ...]) -> Outcome:
    scores = Scores(np.full(len(LABELS), f1), f1, f1 / 2)
    return Outcome(
        {"test": 10},
        Descent({"seed_in_test": f1}, np.full(len(LABELS), 6)),
        {view: {HALF: scores, TUNED: scores} for view in views},
        {view: np.full(len(LABELS), 3) for view in views},
    )


def test_summary_spreads_over_seeds():
    result = summary([outcome(0.2, (TEST,)), outcome(0.4, (TEST,))])
    spread = {"mean": pytest.approx(0.3), "min": 0.2, "max": 0.4}
    assert result["scores"][TEST][HALF]["macro_f1"] == spread
    assert result["scores"][TEST][TUNED]["micro_f1"]["max"] == 0.2
    assert result["shares"]["seed_in_test"] == spread
    assert result["rows"]["test"] == over([10, 10])


def test_per_label_has_both_arms_and_the_children():
    frame = per_label([outcome(0.8, (TEST,))], [outcome(0.1, (TEST, SAME_ROWS))])
    assert isinstance(frame, pd.DataFrame) and frame["label"].tolist() == list(LABELS)
    assert (frame["children_per_positive"] == 2).all()
    for arm, value in {LEAKED: 0.8, HONEST: 0.1, "honest_same_rows": 0.1}.items():
        assert (frame[f"{arm}_f1_{HALF}"] == value).all()
