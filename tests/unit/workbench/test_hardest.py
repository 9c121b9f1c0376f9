import numpy as np
import pandas as pd
import pytest
from support.labels import LABELS, to_matrix

from emotion_slm.calibration.choice import Calibration
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.workbench.hardest import NEEDED, hardest


@pytest.fixture
def macro_f1(run) -> float:
    return read_json(run / "metrics/test.json")["macro_f1"]


@pytest.fixture
def scores(run):
    """(120, 28) gold and calibrated probabilities of test, and the thresholds by label."""
    frame = pd.read_parquet(run / "data/split/test.parquet")
    logits = pd.read_parquet(run / "data/predictions/test.parquet")[list(LABELS)].to_numpy()
    content = read_json(run / "models/classifier/calibration.json")
    calibration = Calibration.from_dict(content, LABELS)
    thresholds = read_json(run / "models/classifier/thresholds.json")["per_label"]
    return to_matrix(frame["labels"]), calibration.apply(logits), thresholds


def test_rows_are_those_with_the_largest_loss(macro_f1, scores):
    gold, probabilities, _ = scores
    loss = -np.log(np.where(gold > 0, probabilities, 1 - probabilities)).mean(axis=1)
    found = hardest(macro_f1, count=10)
    assert found.absent == ""
    assert [row.loss for row in found.rows] == pytest.approx(np.sort(loss)[::-1][:10])
    assert [row.id for row in found.rows] == [f"id{row}" for row in np.argsort(-loss)[:10]]


def test_every_gold_and_predicted_label_is_shown_and_judged(macro_f1, scores):
    gold, probabilities, thresholds = scores
    for row in hardest(macro_f1, count=120).rows:
        place = int(row.id.removeprefix("id"))
        kinds = {verdict.label: verdict.kind for verdict in row.verdicts}
        for column, label in enumerate(LABELS):
            predicted = probabilities[place, column] >= thresholds[label]
            expected = {(1, True): "right", (1, False): "missed", (0, True): "wrong"}
            kind = expected.get((gold[place, column], bool(predicted)), "neither")
            assert kinds.get(label, "neither") == kind
        shown = [verdict.probability for verdict in row.verdicts]
        assert len(shown) >= 3 and shown == sorted(shown, reverse=True)


def test_fewer_rows_than_asked_for_are_all_shown(macro_f1):
    assert len(hardest(macro_f1, count=1000).rows) == 120


@pytest.mark.parametrize("path", NEEDED, ids=str)
def test_a_checkout_without_data_says_so(run, macro_f1, path):
    (run / path).unlink()
    found = hardest(macro_f1)
    assert found.rows == [] and f"{path}: no such file; `dvc repro` makes it" in found.absent
    assert ("emotion-slm pull" in found.absent) == path.is_relative_to("models/classifier")


def test_files_of_another_run_are_not_shown(macro_f1):
    found = hardest(macro_f1 + 0.001)
    assert found.rows == []
    assert "another run" in found.absent and "dvc checkout" in found.absent


def test_predictions_for_other_rows_are_refused(run, macro_f1):
    path = run / "data/predictions/test.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path)
    with pytest.raises(EmotionSlmError, match=r"predictions/test.parquet.*missing.*id0"):
        hardest(macro_f1)
