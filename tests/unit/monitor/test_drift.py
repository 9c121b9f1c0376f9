import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.monitor.drift import (
    KINDS,
    NO_LETTERS,
    OTHER,
    TextCounts,
    drifts,
    excess_divergence,
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
