from pathlib import Path

import pytest

from emotion_slm.workbench import review_scores as scores
from emotion_slm.workbench.review_scores import (
    Headline,
    LabelScore,
    Score,
    headline,
    labels,
    table_change,
)


@pytest.mark.parametrize(
    ("before", "after", "old", "new", "reading"),
    [
        (0.50, 0.50, (0.4, 0.6), (0.4, 0.6), scores.SAME),
        (0.50, 0.55, (0.4, 0.6), (0.5, 0.6), scores.WITHIN),
        (0.50, 0.60, (0.4, 0.6), (0.55, 0.65), scores.WITHIN),  # the edge belongs to the interval
        (0.50, 0.61, (0.4, 0.6), (0.49, 0.7), scores.WITHIN),  # the base is in that of now
        (0.50, 0.61, (0.4, 0.6), (0.55, 0.7), scores.HIGHER),
        (0.50, 0.39, (0.4, 0.6), (0.30, 0.45), scores.LOWER),
        (0.50, 0.39, None, (0.30, 0.45), scores.LOWER),
        (0.50, 0.51, None, None, scores.NO_INTERVAL),
        (None, 0.51, None, (0.4, 0.6), scores.NEW),
        (0.50, None, (0.4, 0.6), None, scores.GONE),
    ],
)
def test_a_change_is_read_against_the_intervals(before, after, old, new, reading):
    assert Score(before, after, old, new).reading == reading


def test_delta_needs_both_sides():
    assert Score(0.5, 0.4).delta == pytest.approx(-0.1)
    assert Score(None, 0.4).delta is None and Score(0.4, None).delta is None


def test_headline_takes_validation_and_test_from_their_files():
    validation = ({"macro_f1": 0.3}, {"macro_f1": 0.4})
    before = {"macro_f1": 0.5, "macro_f1_low": 0.4, "macro_f1_high": 0.6, "macro_f1_targets": 0.7}
    after = {"macro_f1": 0.6, "macro_f1_low": 0.5, "macro_f1_high": 0.7}
    macro, targets = headline(validation, (before, after))
    assert macro == Headline("macro-F1", Score(0.3, 0.4), Score(0.5, 0.6, (0.4, 0.6), (0.5, 0.7)))
    assert targets == Headline("macro-F1, target labels", Score(None, None), Score(0.7, None))
    assert macro.changed and targets.changed
    assert headline(({}, {}), ({}, {})) == []


def test_an_interval_with_one_end_is_none():
    (row,) = headline(({}, {}), ({"macro_f1": 0.5, "macro_f1_low": 0.4}, {}))
    assert row.test.before_interval is None


def label(name: str, f1: float) -> dict[str, str]:
    return {"label": name, "f1": str(f1), "f1_low": "0.4", "f1_high": "0.6"}


def test_labels_are_those_of_both_sides():
    found = labels([label("joy", 0.5), label("old", 0.5)], [label("new", 0.1), label("joy", 0.6)])
    assert found == [LabelScore("joy", Score(0.5, 0.6, (0.4, 0.6), (0.4, 0.6)))]
    assert labels([], [label("joy", 0.6)]) == []


def test_rows_of_a_table_are_known_by_their_name():
    base = [{"label": "joy", "n": "1"}, {"label": "fear", "n": "2"}, {"label": "old", "n": "3"}]
    now = [{"label": "fear", "n": "2"}, {"label": "joy", "n": "4"}, {"label": "new"}]
    found = table_change(Path("t.csv"), base, now)
    assert (found.keys, found.columns) == (["label"], ["n"])
    assert found.rows == [
        (("joy",), [("1", "4")]), (("new",), [("", "")]), (("old",), [("3", "")]),
    ]  # fmt: skip


def test_a_table_whose_first_cells_repeat_is_known_by_two():
    base = [{"label": "joy", "method": m, "purity": "0.1"} for m in ("smote", "ismote")]
    now = [base[0], {**base[1], "purity": "0.2"}]
    found = table_change(Path("t.csv"), base, now)
    assert found.keys == ["label", "method"]
    assert found.rows == [(("joy", "ismote"), [("0.1", "0.2")])]
