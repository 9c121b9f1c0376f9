import numpy as np
import pandas as pd
import pytest
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.evaluation import predictions

IDS = ["a", "b", "c"]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "test.parquet"
    logits = np.random.default_rng(0).normal(size=(3, len(LABELS))).astype(np.float32)
    predictions.write(path, IDS, logits, GOEMOTIONS)
    return path, logits


def test_round_trip_in_the_order_asked_for(written):
    path, logits = written
    assert (predictions.read(path, IDS, GOEMOTIONS) == logits).all()
    assert (predictions.read(path, ["c", "a", "b"], GOEMOTIONS) == logits[[2, 0, 1]]).all()
    assert files.read_parquet(path, ["id"]).columns.tolist() == ["id", *LABELS]
    assert predictions.read(path, IDS, GOEMOTIONS).dtype == np.float32


def test_shape_must_fit_the_ids(tmp_path):
    with pytest.raises(ValueError, match="28"):
        predictions.write(tmp_path / "x.parquet", IDS, np.zeros((2, len(LABELS))), GOEMOTIONS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_model_that_gives_no_number_is_named_and_nothing_is_written(tmp_path, value):
    logits = np.zeros((3, len(LABELS)))
    logits[1, 4] = value
    with pytest.raises(EmotionSlmError, match=r"x.parquet.*1 rows.*'b'.*train the model again"):
        predictions.write(tmp_path / "x.parquet", IDS, logits, GOEMOTIONS)
    assert not any(tmp_path.iterdir())


def test_ids_repeated_in_the_split_are_named(written):
    path, _ = written
    with pytest.raises(EmotionSlmError, match="'a' more than once"):
        predictions.read(path, ["a", "b", "c", "a"], GOEMOTIONS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda frame: frame[frame["id"] != "b"], "missing.*'b'"),
        (lambda frame: pd.concat([frame, frame.iloc[:1].assign(id="z")]), "extra.*'z'"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "repeated.*'a'"),
        (lambda frame: frame.assign(joy=[0, np.nan, 0]), "not finite.*'b'"),
        (lambda frame: frame.assign(joy=[0, 0, np.inf]), "not finite.*'c'"),
        (lambda frame: frame.drop(columns="joy"), "'joy' is missing"),
        (lambda frame: frame.assign(happiness=0.0), "'happiness'"),
        (lambda frame: frame.assign(joy="high"), "'joy'"),
    ],
)
def test_damaged_files_are_refused(written, change, named):
    path, _ = written
    files.write_parquet(path, change(files.read_parquet(path, ["id"])))
    with pytest.raises(EmotionSlmError, match=f"test.parquet.*{named}"):
        predictions.read(path, IDS, GOEMOTIONS)
