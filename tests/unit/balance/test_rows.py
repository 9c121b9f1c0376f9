import numpy as np
import pandas as pd
import pytest

from emotion_slm.balance.rows import COLUMNS, read_balanced, write_balanced
from emotion_slm.common.errors import EmotionSlmError


@pytest.fixture
def rows():
    frame = pd.DataFrame({column: ["x", "y"] for column in COLUMNS})
    return frame.assign(
        labels=[["joy"], ["joy", "love"]],
        synthetic=[False, True],
        t=[np.nan, 0.3],
        normalized=[False, True],
    )


def test_round_trip_keeps_float64_coefficients_and_float32_vectors(tmp_path, rows):
    vectors = np.array([[1, 2], [3, 4]], dtype=np.float32)
    write_balanced(tmp_path, vectors, rows.assign(surplus=1))
    found, frame = read_balanced(tmp_path)
    np.testing.assert_array_equal(found, vectors)
    assert found.dtype == np.float32 and frame["t"].dtype == np.float64
    assert tuple(frame.columns) == COLUMNS
    assert [list(labels) for labels in frame["labels"]] == [["joy"], ["joy", "love"]]


def test_files_of_different_runs_are_refused(tmp_path, rows):
    write_balanced(tmp_path, np.zeros((3, 2), np.float32), rows)
    with pytest.raises(EmotionSlmError, match=r"vectors\.npy has 3 rows, rows\.parquet 2"):
        read_balanced(tmp_path)
