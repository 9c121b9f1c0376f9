import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import (
    EKMAN,
    LABEL_INDEX,
    LABELS,
    NEUTRAL,
    SENTIMENT,
    TARGETS,
    known_label,
    to_matrix,
    to_names,
)


def test_labels_are_goemotions_own_order():
    assert len(LABELS) == len(set(LABELS)) == 28
    assert LABELS[-1] == NEUTRAL == "neutral"
    assert list(LABELS[:-1]) == sorted(LABELS[:-1])  # emotions.txt: alphabetical, neutral last
    assert [LABEL_INDEX[label] for label in LABELS] == list(range(28))


def test_targets_are_fifteen_known_labels():
    assert len(TARGETS) == len(set(TARGETS)) == 15
    assert set(TARGETS) < set(LABELS)
    assert NEUTRAL not in TARGETS


@pytest.mark.parametrize("groups", [EKMAN, SENTIMENT], ids=["ekman", "sentiment"])
def test_groups_hold_each_emotion_once_and_never_neutral(groups):
    members = [label for group in groups.values() for label in group]
    assert sorted(members) == sorted(set(LABELS) - {NEUTRAL})


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
        known_label(name)
    with pytest.raises(EmotionSlmError, match=hint):
        to_matrix([["joy"], [name]])
