import numpy as np
import pytest
from support.labels import LABELS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import read_vectors, write_vectors

TEXTS = [
    "happy",
    "the cat is very sad the dog is very happy",
    "",
    "angry dog",
    "😀 \n\ttree",
    "the house " * 30,
    "sad cat",
]


def test_distinct_texts_in_order_of_appearance():
    texts, rows = distinct_texts(["b", "a", "b", "B", "a", "b "])
    assert texts == ["b", "a", "B", "b "]
    assert rows.tolist() == [0, 1, 0, 2, 1, 3]
    assert [texts[row] for row in rows] == ["b", "a", "b", "B", "a", "b "]


def test_distinct_texts_of_nothing():
    texts, rows = distinct_texts([])
    assert texts == [] and len(rows) == 0 and rows.dtype == np.int64


@pytest.fixture
def model(tiny_bert, encoder_params):
    return build_encoder(encoder_params(tiny_bert), None, 0.0, LABELS).eval()


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 50])
def test_vectors_keep_the_order_of_the_texts(tiny_bert, model, batch_size):
    tokenizer = Tokenizer(tiny_bert, 32)
    done = []
    vectors = embed(TEXTS, model, tokenizer, batch_size, done.append)
    alone = np.concatenate([embed([text], model, tokenizer, 1, lambda _: None) for text in TEXTS])
    assert vectors.dtype == np.float32 and vectors.shape == (len(TEXTS), 32)
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-2
    assert sum(done) == len(TEXTS)
    assert max(done) <= batch_size


def test_read_vectors_follows_the_ids_asked_for(tmp_path, tiny_bert, encoder_params):
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    rows = np.array([2, 0, 1, 0])
    write_vectors(tmp_path, vectors, ["w", "x", "y", "z"], rows, encoder_params(tiny_bert))
    found = read_vectors(tmp_path, ["z", "w", "x"])
    assert found.tolist() == [[0, 1], [4, 5], [0, 1]]
    assert found.dtype == np.float32
    assert read_vectors(tmp_path, []).shape == (0, 2)


def test_id_without_a_vector_is_named(tmp_path, tiny_bert, encoder_params):
    write_vectors(
        tmp_path, np.zeros((1, 2), np.float32), ["w"], np.array([0]), encoder_params(tiny_bert)
    )
    with pytest.raises(EmotionSlmError, match=r"no vector for id 'missing'"):
        read_vectors(tmp_path, ["w", "missing"])


def test_missing_vectors_are_named(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"vectors\.npy: no such file"):
        read_vectors(tmp_path, ["w"])
