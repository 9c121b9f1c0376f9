import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.monitor.drift import (
    EMBEDDINGS,
    KINDS,
    LANGUAGES,
    NO_LANGUAGE,
    NO_LETTERS,
    OTHER,
    TextCounts,
    drifts,
    excess_distance,
    excess_divergence,
    language,
    moments,
    script,
)

WORDS = [f"word{number}" for number in range(100, 400)]


def counted(cells: list[list[str]]) -> dict[str, np.ndarray]:
    counts = TextCounts()
    for place, texts in enumerate(cells):
        counts.add([place] * len(texts), texts)
    return counts.padded(len(cells))


def usual(chance: random.Random, texts: int = 300) -> list[str]:
    return [" ".join(chance.choices(WORDS, k=chance.randint(4, 20))) for _ in range(texts)]


def changed(last: list[str]) -> set[str]:
    chance = random.Random(1)
    cells = [*(usual(chance) for _ in range(8)), last]
    return {one.kind for one in drifts(counted(cells), 8, range(8)) if one.changed}


def test_texts_of_the_same_kind_are_no_drift():
    assert changed(usual(random.Random(2))) == set()
    assert changed(usual(random.Random(3), texts=100)) == set()


def test_each_kind_of_change_is_told():
    chance = random.Random(4)
    assert changed([f"{text} {text} {text}" for text in usual(chance)]) == {"length"}
    other = [" ".join(chance.choices(WORDS[:40], k=chance.randint(4, 20))) for _ in range(300)]
    assert changed(other) == {"words"}
    greek = [text.replace("word", "λέξη") for text in usual(chance)]
    assert changed(greek) >= {"script", "words"}


def test_a_change_of_language_is_told():
    """Words that both have make no change of words; the few that only one has tell the language."""
    chance = random.Random(6)

    def said(words: str) -> list[str]:
        some = words.split()
        return [f"{text} {' '.join(chance.choices(some, k=3))}" for text in usual(chance, 200)]

    english, german = "the and that with", "der und nicht mit"
    cells = [*(said(english) for _ in range(8)), said(english)[:150] + said(german)[:50]]
    found = {one.kind: one for one in drifts(counted(cells), 8, range(8))}
    assert found["language"].changed and not found["script"].changed
    assert not {one.kind for one in drifts(counted(cells[:-1]), 7, range(7)) if one.changed}


@pytest.mark.parametrize(
    ("text", "code"),
    [("the cat and the dog", "en"), ("ich mag die katze nicht", "de"), ("xyz", None), ("", None),
     ("the die", None)],
)  # fmt: skip
def test_languages(text, code):
    assert language(text.split()) == LANGUAGES.get(code, NO_LANGUAGE)


def embedded(cells: list[np.ndarray]) -> np.ndarray:
    places = np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
    return moments(np.concatenate(cells), places, len(cells))


def test_a_moved_mean_of_embeddings_is_told_and_chance_is_not():
    rng, false = np.random.default_rng(7), 0
    move = np.eye(16)[0] * 0.3
    for _ in range(20):
        cells = [0.3 * rng.standard_normal((200, 16)) for _ in range(9)]
        (same,) = drifts({EMBEDDINGS: embedded(cells)}, 8, range(8))
        (moved,) = drifts({EMBEDDINGS: embedded([*cells[:8], cells[8] + move])}, 8, range(8))
        false += same.changed
        assert moved.changed and moved.distance == pytest.approx(move @ move / 2, rel=0.4)
    assert false <= 2


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 1000))
def test_the_distance_is_the_mean_cosine_distance_less_those_within(n, m, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.standard_normal((n, 3)), rng.standard_normal((m, 3)) + 2
    first, second = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second))

    def within(x: np.ndarray) -> float:
        apart = 1 - x @ x.T
        return apart[~np.eye(len(x), dtype=bool)].mean()

    expected = (1 - first @ second.T).mean() - (within(first) + within(second)) / 2
    found = excess_distance(*embedded([first, second]))
    assert found == pytest.approx(max(0, expected), abs=1e-9)
    assert excess_distance(*embedded([first[:1], second])) == 0


def test_too_short_a_reference_judges_nothing():
    assert drifts(counted([usual(random.Random(5))] * 4), 3, range(3)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [("plain", 0), ("Größe", 0), ("привет мир", 1), ("καλημέρα", 2), ("你好", 6),
     ("1234 !?", NO_LETTERS),
     ("", NO_LETTERS), ("აბგ", OTHER), ("ok привет мир", 1)],
)  # fmt: skip
def test_scripts(text, place):
    assert script(text) == place


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).map(np.array))
def test_what_is_the_same_does_not_diverge(counts):
    assert excess_divergence(counts, counts) == 0
    assert excess_divergence(counts, np.zeros(4, int)) == 0


def test_what_has_nothing_in_common_diverges_by_a_bit():
    first, second = np.array([10_000, 0]), np.array([0, 10_000])
    assert excess_divergence(first, second) == pytest.approx(1, abs=1e-3)


def test_cells_without_texts_are_counted_as_empty():
    found = counted([["a b"], []])
    assert {kind: table.shape for kind, table in found.items()} == {
        kind: (2, bins) for kind, bins in KINDS.items()
    }
    assert all(table[1].sum() == 0 for table in found.values())
