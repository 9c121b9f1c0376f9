import numpy as np
import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.vectors import check_normalization, read_vectors, write_vectors


@pytest.fixture
def folder(tmp_path, tiny_bert, encoder_params):
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    rows = np.array([0, 1, 0, 2])
    write_vectors(tmp_path, vectors, ["a", "b", "c", "d"], rows, encoder_params(tiny_bert))
    return tmp_path


def test_ids_get_their_rows_in_the_order_asked(folder):
    found = read_vectors(folder, ["d", "c", "a", "a"])
    np.testing.assert_array_equal(found, [[4, 5], [0, 1], [0, 1], [0, 1]])
    assert found.dtype == np.float32


def test_an_id_without_vector_is_named(folder):
    with pytest.raises(EmotionSlmError, match=r"index\.parquet: no vector for id 'x'"):
        read_vectors(folder, ["a", "x"])


def test_missing_vectors_say_what_makes_them(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"vectors\.npy: no such file; `dvc repro`"):
        read_vectors(tmp_path, ["a"])


def test_unit_synthetic_rows_need_unit_vectors(folder):
    check_normalization(folder, unit_length=False)
    with pytest.raises(EmotionSlmError, match=r"set encoder\.normalize too"):
        check_normalization(folder, unit_length=True)
