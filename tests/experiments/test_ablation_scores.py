import numpy as np
import pandas as pd
import pytest
from balance_ablation import arms, scores
from balance_ablation.arms import Arm
from balance_ablation.names import HALF, SHRUNKEN, THRESHOLDS, TUNED
from scipy.special import expit
from shrunken_thresholds import ShrunkenParams
from sklearn.metrics import f1_score

from emotion_slm.common.errors import EmotionSlmError

PARAMS = ShrunkenParams(grid_step=0.01, shrinkages=[0.0, 1000.0], folds=2)
ARM = Arm("frozen", "linear", "none", "bce", 1, 400, 0.5)


@pytest.fixture
def rows():
    """Probabilities that run .2 too low, gold, and groups of 400 rows."""
    random = np.random.default_rng(0)
    gold = (random.random((400, 28)) < 0.2).astype(np.int8)
    probabilities = expit(random.normal(size=gold.shape) + 2 * gold - 2)
    return probabilities, gold, np.arange(400)


def test_three_kinds_of_thresholds(rows):
    cuts = scores.thresholds(*rows, PARAMS, 1)
    assert tuple(cuts) == THRESHOLDS
    assert (cuts[HALF] == 0.5).all()
    assert np.ptp(cuts[TUNED]) >= np.ptp(cuts[SHRUNKEN])
    assert cuts[TUNED].mean() < 0.5


def test_scores_are_scikit_learns(rows):
    probabilities, gold, _ = rows
    predicted = {HALF: probabilities >= 0.5}
    found = scores.scored(predicted, gold)
    for average in ("macro", "micro"):
        expected = f1_score(gold, predicted[HALF], average=average, zero_division=0)
        assert found[f"{average}_f1_0.5"] == pytest.approx(expected)


def test_a_label_never_predicted_counts_as_0():
    gold = np.eye(28, dtype=np.int8)
    found = scores.scored({HALF: np.eye(28) > 0, TUNED: np.zeros((28, 28)) > 0}, gold)
    assert found["macro_f1_0.5"] == 1 and found["macro_f1_tuned"] == found["micro_f1_tuned"] == 0


def test_predictions_survive_packing(tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "PREDICTIONS", tmp_path)
    chosen = np.random.default_rng(0).random((2, 3, 5, 28)) < 0.5
    np.save(scores.predictions_file("ablation"), np.packbits(chosen, axis=3))
    assert np.array_equal(scores.read_predictions("ablation"), chosen)


def test_arms_survive_the_disk_and_a_lost_one_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(arms, "LOGITS", tmp_path)
    logits = np.arange(2 * 3 * 28, dtype=np.float32).reshape(2, 3, 28)
    written = [ARM, ARM._replace(seed=2)]
    folder = arms.write_arms("frozen", written, list(logits))
    again, read = arms.read_arms("frozen")
    assert again == written and np.array_equal(read, logits)
    pd.DataFrame(written[:1]).to_csv(folder / "arms.csv", index=False)
    with pytest.raises(EmotionSlmError, match="1 arms"):
        arms.read_arms("frozen")
