import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import (
    CORPUS,
    GOEMOTIONS,
    LABEL_INDEX,
    LABELS,
    NEUTRAL,
    TARGETS,
    label_set,
    to_matrix,
    to_names,
)

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import Corpus, LabelSet, load_corpus, require_same, write_corpus

WRITTEN = json.loads(json.dumps(CORPUS.to_dict()))


def test_labels_are_goemotions_own_order():
    assert len(LABELS) == len(set(LABELS)) == 28
    assert LABELS[-1] == NEUTRAL == "neutral"
    assert list(LABELS[:-1]) == sorted(LABELS[:-1])  # emotions.txt: alphabetical, neutral last
    assert [LABEL_INDEX[label] for label in LABELS] == list(range(28))


def test_targets_are_fifteen_known_labels():
    assert len(TARGETS) == len(set(TARGETS)) == 15
    assert set(TARGETS) < set(LABELS)
    assert NEUTRAL not in TARGETS


@pytest.mark.parametrize("grouping", ["ekman", "sentiment"])
def test_groups_hold_each_emotion_once_and_neutral_stands_beside_them(grouping):
    members = [label for group in GOEMOTIONS.groups[grouping].values() for label in group]
    assert sorted(members) == sorted(set(LABELS) - {NEUTRAL})
    assert list(GOEMOTIONS.grouped(grouping).items())[-1] == (NEUTRAL, (NEUTRAL,))


@pytest.mark.parametrize("size", [2, 3, 6, 40, 300])
def test_a_corpus_comes_back_as_it_was_written(size, tmp_path):
    corpus = Corpus("tickets", "Tickets", label_set(size), caption="a test", limits=("one", "two"))
    write_corpus(tmp_path, corpus)
    assert load_corpus(tmp_path) == corpus
    assert len(load_corpus(tmp_path).labels) == size


def test_groups_keep_their_order_in_the_file(tmp_path):
    write_corpus(tmp_path, CORPUS)
    groups = load_corpus(tmp_path).labels.groups
    assert list(groups) == ["sentiment", "ekman"]
    assert list(groups["sentiment"]) == ["positive", "negative", "ambiguous"]


def test_targets_come_first_and_no_label_twice():
    labels = LabelSet(("a", "b", "c"), targets=("c", "a"))
    assert labels.targets_first == ("c", "a", "b")
    assert labels.target_columns == [2, 0]


@pytest.mark.parametrize(
    "content",
    [{}, {**WRITTEN, "labels": None}, {**WRITTEN, "more": 1}, {**WRITTEN, "targets": ["happy"]}],
)
def test_what_describes_no_corpus_is_refused(content, tmp_path):
    with pytest.raises(EmotionSlmError, match=r"corpus\.json: (name|labels|more): "):
        Corpus.from_dict(content, tmp_path / "corpus.json")


def test_matrix_by_hand():
    matrix = to_matrix([["joy", "love"], [], ["neutral"]])
    assert matrix.shape == (3, 28) and matrix.dtype == np.int8
    assert np.argwhere(matrix).tolist() == [[0, LABEL_INDEX["joy"]], [0, LABEL_INDEX["love"]],
                                            [2, 27]]  # fmt: skip


def test_matrix_of_no_rows():
    assert to_matrix([]).shape == (0, 28)
    assert to_names(np.zeros((0, 28))) == []


@given(st.lists(st.lists(st.sampled_from(LABELS), unique=True), max_size=8))
def test_names_and_matrix_are_inverse(rows):
    assert to_names(to_matrix(rows)) == [sorted(row, key=LABELS.index) for row in rows]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("saddness", "did you mean 'sadness'"), ("Joy", "did you mean 'joy'"), ("xyzzy", "known: ")],
)
def test_unknown_label_gets_a_hint(name, hint):
    with pytest.raises(EmotionSlmError, match=f"unknown label '{name}'; {hint}"):
        GOEMOTIONS.known(name)
    with pytest.raises(EmotionSlmError, match=hint):
        to_matrix([["joy"], [name]])


def test_labels_of_a_model_are_held_against_the_corpus():
    require_same(("joy", "anger"), ["joy", "anger"], Path("models/x"))
    for other in (["anger", "joy"], ["joy"]):
        with pytest.raises(EmotionSlmError) as raised:
            require_same(["joy", "anger"], other, Path("models/x"))
        message = str(raised.value)
        assert "models/x" in message and "joy, anger" in message and ", ".join(other) in message
