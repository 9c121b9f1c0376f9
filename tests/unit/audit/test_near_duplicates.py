import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.leaks import edit

from emotion_slm.audit.near_duplicates import (
    JACCARD,
    audit_near_duplicates,
    character_ngrams,
    nearest_texts,
    nearest_vectors,
    signed,
    unit,
)
from emotion_slm.common import files

SENTENCE = "Thank you so much for all of your kind and patient help with this today"
WORDS = st.lists(
    st.sampled_from(["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"]), min_size=4, max_size=12
)


def jaccard(a: str, b: str) -> float:
    left, right = character_ngrams(a), character_ngrams(b)
    return len(left & right) / len(left | right)


def test_character_ngrams_ignore_case_and_punctuation():
    assert character_ngrams("Oh, YES!") == {b"ohye", b"hyes"}
    assert character_ngrams("ok") == {b"ok"}
    assert character_ngrams("héé!") == {"héé".encode()}


@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=8),
       st.lists(WORDS.map(" ".join), min_size=1, max_size=8))  # fmt: skip
def test_every_near_duplicate_is_found_and_none_made_up(queries, others):
    nearest = nearest_texts(signed(queries), signed(others))
    for query, row, similarity in zip(queries, *nearest, strict=True):
        exact = [jaccard(query, other) for other in others]
        if max(exact) >= JACCARD + 0.1:  # nearer the limit a pair may be missed, one in thousands
            assert similarity == max(exact)
        if row >= 0:
            assert similarity == exact[row]


def test_a_reworded_text_is_found_and_another_is_not():
    others = ["nothing alike", SENTENCE.replace("today", "tonight"), "Thank you"]
    nearest = nearest_texts(signed([SENTENCE, "a stranger here"]), signed(others))
    assert nearest.row.tolist() == [1, -1]
    assert nearest.similarity[0] > 0.8 and nearest.similarity[1] == 0


def test_nearest_vectors_are_those_of_the_full_product():
    random = np.random.default_rng(0)
    queries, others = (unit(random.normal(size=(rows, 5)).astype(np.float32)) for rows in (700, 90))
    nearest = nearest_vectors(queries, others)
    cosine = queries @ others.T
    np.testing.assert_array_equal(nearest.row, cosine.argmax(axis=1))
    np.testing.assert_allclose(nearest.similarity, cosine.max(axis=1), rtol=1e-6)


def test_a_vector_of_zeros_is_near_nothing():
    zeros = unit(np.zeros((1, 3), np.float32))
    assert nearest_vectors(zeros, unit(np.eye(3, dtype=np.float32))).similarity[0] == 0


def test_planted_near_duplicate_is_listed_and_never_failed(audited):
    edit("data/split/train.parquet", 3, text=SENTENCE)(audited)
    edit("data/split/test.parquet", 3, text=f"{SENTENCE}!!! x", labels=["joy", "grief"])(audited)
    result = audit_near_duplicates(audited)
    assert result["passed"] is True and result["must_be_zero"] == {}
    found = result["findings"]["near_duplicates"]["texts"]["test_in_train"]
    assert found == {
        "rows": 1, "per_label": {"joy": 1, "grief": 1}, "examples": [["test3", "train4"]],
    }  # fmt: skip


def test_planted_near_vector_is_listed(audited):
    index = files.read_parquet(audited / "data/embedded/index.parquet", ["id", "row"])
    row = index.set_index("id")["row"]
    vectors = np.array(files.read_array(audited / "data/embedded/vectors.npy"))
    vectors[row["test3"]] = 2 * vectors[row["train4"]]
    files.write_array(audited / "data/embedded/vectors.npy", vectors)
    found = audit_near_duplicates(audited)["findings"]["near_duplicates"]["vectors"]
    assert ["test3", "train4"] in found["test_in_train"]["examples"]


def test_examples_are_ids_and_few(audited):
    found = audit_near_duplicates(audited)["findings"]["near_duplicates"]
    texts = files.read_parquet(audited / "data/split/test.parquet", ["text"])["text"]
    content = json.dumps(found)
    assert not any(text in content for text in texts)
    for pairs in found.values():
        assert all(len(pair["examples"]) <= 5 for pair in pairs.values())
        assert len(pairs) == 3
