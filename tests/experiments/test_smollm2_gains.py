"""What a teacher brings: the average precision of weighted rows; the page is the table's."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from smollm2_screen import distilled
from smollm2_screen.gains import COLUMNS, PAIRS, RESULTS, Ranking, draws, maps

from emotion_slm.common.files import read_csv

FOLDER = Path("experiments/smollm2")


@given(st.data())
def test_average_precision_is_that_of_rows_drawn_so_often(data):
    n = data.draw(st.integers(2, 30))
    scores = np.array(data.draw(st.permutations(range(n))), float)
    gold = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    drawn = np.repeat(np.arange(n), weights)
    expected = average_precision_score(gold[drawn], scores[drawn]) if gold[drawn].any() else 0
    assert Ranking(gold, scores).average_precision(weights) == pytest.approx(expected)


def test_groups_are_drawn_whole_after_all_rows_once():
    groups = np.array([7, 3, 7, 9, 3, 5])
    first, *others = draws(groups, 20)
    assert (first == 1).all() and len(others) == 20
    for weights in others:
        assert weights[0] == weights[2] and weights[1] == weights[4]
        assert weights[[0, 1, 3, 5]].sum() == 4  # as many groups as there are
    assert any((weights != 1).any() for weights in others)
    again = list(draws(groups, 20))[1:]  # both models of a pair meet the same rows
    np.testing.assert_array_equal(others, again)


def test_map_is_the_mean_over_labels_and_seeds():
    random = np.random.default_rng(0)
    gold = random.integers(0, 2, size=(40, 3))
    logits = [random.normal(size=gold.shape) for _ in range(2)]
    found = maps(gold, logits, np.arange(40), 5)
    expected = [average_precision_score(gold, scores, average="macro") for scores in logits]
    assert found.shape == (6,) and found[0] == pytest.approx(np.mean(expected))
    assert len(set(found)) == 6


def test_the_page_has_the_gains_of_the_students_in_the_table():
    rows = read_csv(FOLDER / "distilled.csv", distilled.COLUMNS)
    page = (FOLDER / "RESULTS.md").read_text()
    gains = read_csv(FOLDER / RESULTS, COLUMNS)
    assert tuple((row["teacher"], row["against"]) for row in gains) == PAIRS
    for gain in gains:
        teacher, against = (
            np.mean([float(row["map"]) for row in rows if row["student"] == gain[end]])
            for end in ("teacher", "against")
        )
        assert float(gain["map"]) == pytest.approx(teacher - against, abs=2e-4)
        map_, low, high = (
            gain[name].replace("-", "−").replace("0.", ".") for name in ("map", "low", "high")
        )
        assert f"| {gain['teacher']} | {gain['against']} | {map_} [{low}, {high}] |" in page
