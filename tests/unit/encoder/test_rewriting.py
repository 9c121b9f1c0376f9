import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.encoder.rewriting import rewrite, typos, without_punctuation

TEXTS = st.lists(st.text(max_size=60), max_size=8)


@given(st.text(alphabet="abcdefghij ", min_size=1, max_size=200), st.integers(0, 99))
def test_typos_change_few_letters(text, seed):
    changed = typos(text, np.random.default_rng(seed))
    assert abs(len(changed) - len(text)) <= -(-len(text) // 25)


def test_a_long_text_gets_typos():
    text = "it was a long day and nobody said thank you " * 4
    changed = {typos(text, np.random.default_rng(seed)) for seed in range(5)}
    assert len(changed) == 5 and text not in changed


def test_without_letters_there_are_no_typos():
    assert typos("12:30 ???", np.random.default_rng(0)) == "12:30 ???"


@given(TEXTS, st.floats(0, 1), st.integers(0, 99))
def test_every_row_is_kept_and_equal_seeds_write_equal_texts(texts, share, seed):
    once = rewrite(texts, share, seed)
    assert len(once) == len(texts)
    assert once == rewrite(texts, share, seed)


@given(TEXTS)
def test_a_share_of_none_rewrites_nothing(texts):
    assert rewrite(texts, 0, 1) == texts


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_share_is_rewritten_in_the_ways_that_are_named(share):
    texts = ["That was GREAT, thank you!"] * 3000
    written = [text for text in rewrite(texts, share, 3) if text != texts[0]]
    assert len(written) == pytest.approx(share * 3000, rel=0.06)  # some typos change nothing
    for way in ("that was great, thank you!", "That was GREAT thank you"):
        assert written.count(way) == pytest.approx(share * 600, rel=0.2)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("That's GREAT!! \U0001f600 (no_way)", "Thats GREAT \U0001f600 noway"),
        ("It cost $5 + tax", "It cost 5  tax"),
        ("I \u2764\ufe0f it!", "I \u2764\ufe0f it"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940!", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_punctuation_goes_and_what_is_read_stays(text, left):
    assert without_punctuation(text) == left
