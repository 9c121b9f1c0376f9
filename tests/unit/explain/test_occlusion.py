from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS

from emotion_slm.explain.occlusion import (
    MOST_WORDS,
    explain,
    labels_to_show,
    left_out,
    pieces,
    words_of,
)
from emotion_slm.explain.screen import screen
from emotion_slm.workbench.explain_page import write_page

ANGER, JOY = LABEL_INDEX["anger"], LABEL_INDEX["joy"]
THRESHOLDS = np.full(len(LABELS), 0.5)


class WordScorer:
    """Anger: .1, and .6 more with "hate", .2 less with "please"; joy: .05."""

    labels, thresholds = GOEMOTIONS, THRESHOLDS

    def __init__(self) -> None:
        self.scored: list[str] = []

    def probabilities(self, texts):
        self.scored += texts
        found = np.full((len(texts), len(LABELS)), 0.01)
        found[:, JOY] = 0.05
        found[:, ANGER] = [
            0.2 + 0.6 * ("hate" in text) - 0.1 * ("please" in text) for text in texts
        ]
        return found

    def truncated(self, texts):
        return 0


def words(text: str) -> list[str]:
    return [text[slice(*span)] for span in words_of(text)]


def test_words_are_whole():
    text = "I can't, re-send it!!! 😡 Größe_x 100%"
    expected = ["I", "can't", ",", "re-send", "it", "!!!", "😡", "Größe", "_", "x", "100", "%"]
    assert words(text) == expected


@given(st.text())
def test_words_stand_in_order_and_are_all_but_blanks(text):
    spans = words_of(text)
    assert all(before.end <= after.begin for before, after in pairwise(spans))
    if len(spans) < MOST_WORDS:
        assert "".join(words(text)) == "".join(text.split())


@given(st.text())
def test_pieces_are_the_whole_text(text):
    (found,) = explain([text], WordScorer())
    assert "".join(piece.text for piece in pieces(found, ANGER)) == text


@pytest.mark.parametrize("word", ["cafe\u0301s", "नमस्ते", "déjà-vu", "don't"])
def test_marks_upon_letters_split_no_word(word):
    text = f"a {word} !!"
    assert [text[slice(*span)] for span in words_of(text)] == ["a", word, "!!"]


def test_blanks_do_not_stand_twice():
    text = "I  hate it"
    assert [left_out(text, span) for span in words_of(text)] == ["hate it", "I  it", "I  hate "]


def test_each_word_is_left_out_once():
    scorer = WordScorer()
    found = explain(["I hate it please", "", "please"], scorer)
    assert len(scorer.scored) == 5 + 1 + 2
    assert found[0].changes(ANGER) == pytest.approx([0, 0.6, 0, -0.1])
    assert found[0].decisive(ANGER).tolist() == [False, True, False, False]
    assert found[1].words == [] and found[1].without.shape == (0, len(LABELS))
    assert found[2].changes(ANGER) == pytest.approx([-0.1])


def test_long_texts_cost_no_more_than_their_first_words():
    scorer = WordScorer()
    explain(["word " * 10_000], scorer)
    assert len(scorer.scored) == MOST_WORDS + 1


def test_labels_shown_are_those_given_or_the_nearest():
    given_one, none = explain(["I hate it", "well"], WordScorer())
    assert labels_to_show(given_one) == [ANGER]
    assert labels_to_show(none) == [ANGER]
    assert labels_to_show(none, [JOY]) == [JOY]


def test_the_terminal_shows_what_a_word_does_and_obeys_nothing():
    found = explain(["I hate \x1b[31m it please"], WordScorer())
    console = Console(record=True, width=80, color_system=None)
    console.print(screen(found, LABELS, THRESHOLDS))
    shown = console.export_text()
    assert "anger 0.70, given (threshold 0.50)" in shown and "\x1b" not in shown
    assert "without 'hate'    0.10 (−0.60)  and would not be given" in shown
    assert "without 'please'  0.80 (+0.10)" in shown


def test_the_page_escapes_texts_and_runs_nothing(tmp_path):
    found = explain(["I hate <script>alert(1)</script> please"], WordScorer())
    write_page(found, LABELS, THRESHOLDS, [], tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert "<script" not in page and "&lt;" in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert 'class="up3 decisive" title="+0.60, decisive">hate<' in page
    assert 'class="down1" title="−0.10">please<' in page
