"""What a label may be called, and what stands between several in one text."""

import pytest
from support.labels import LABELS

from emotion_slm.corpus.labels import is_plain, separator


@pytest.mark.parametrize(
    ("names", "between"),
    [
        (LABELS, " "),
        (["joy", "very angry"], ", "),
        (["joy", "very angry, really"], "; "),
        (["a b", "c,d", "e;f"], " | "),
    ],
)
def test_labels_in_one_text_can_be_told_apart(names, between):
    assert separator(names) == between
    assert between.join(names).split(between) == list(names)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("very angry", True), ("größer", True), ("3", True), ("", False), ("a|b", False),
     ("<b>", False), ("a\nb", False), ("x" * 200, True), ("x" * 201, False)],
)  # fmt: skip
def test_names_of_labels_are_plain(name, plain):
    assert is_plain(name) is plain
