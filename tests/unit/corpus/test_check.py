import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.check import (
    MOST_LABELS,
    SHOWN,
    check_rows,
    check_script,
    check_splits,
    listed,
    near_equal,
    one_slip,
    refuse,
)
from emotion_slm.corpus.description import Description
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.reading import Reading
from emotion_slm.corpus.split import Splits
from emotion_slm.corpus.tables import Problem

DESCRIPTION = Description(files="t.csv", text="body", labels={"column": "labels"})


def reading(texts, labels, problems=()):
    frame = pd.DataFrame(
        {
            "id": [str(place) for place in range(len(texts))],
            "text": texts,
            "labels": labels,
            "place": [f"t.csv:{place + 2}" for place in range(len(texts))],
        }
    )
    names = sorted({name for row in labels for name in row})
    return Reading(frame, names, list(problems), {})


def found(texts, labels):
    return [
        (p.level, f"{p.place}: {p.reason}") for p in check_rows(reading(texts, labels), DESCRIPTION)
    ]


def test_a_sound_corpus_has_no_problem():
    assert found(["one", "two", "three"], [["joy"], ["anger"], []]) == []


def test_problems_of_reading_come_first_and_an_empty_corpus_is_an_error():
    problem = Problem("t.csv", 1, 2, "no label", "label it", "error")
    empty = check_rows(reading([], [], [problem]), DESCRIPTION)
    assert empty[0] == problem and empty[1].level == "error"


def test_equal_texts_are_named_with_both_places():
    texts, labels = ["Why?! Again", "why again", "why: AGAIN"], [["a"], ["a"], ["b"]]
    assert found(texts, labels) == [
        ("warning", "t.csv:3: same text as t.csv:2"),
        ("warning", "t.csv:4: same text as t.csv:2 with other labels: a there, b here"),
    ]


def test_texts_with_control_characters():
    assert found(["a\x07", "b\tc\nd", "e\ufffd"], [["a"], ["b"], ["a"]]) == [
        ("warning", "t.csv:2: the text holds '\\x07'"),
        ("warning", "t.csv:4: the text holds '\ufffd'"),
    ]


def test_label_names_that_are_numbers_and_labels_on_every_row():
    assert found(["x", "y"], [["1"], ["1", "2.5"]]) == [
        ("warning", ": label '1' is a number"),
        ("warning", ": label '2.5' is a number"),
        ("warning", ": label '1' is on every row"),
    ]


def test_a_column_of_something_else_is_no_column_of_labels():
    count = MOST_LABELS + 1
    problems = found([f"t{n}" for n in range(count)], [[f"l{n}"] for n in range(count)])
    assert [level for level, _ in problems] == ["error"]


@pytest.mark.parametrize(
    ("counts", "pairs"),
    [
        ({"joy": 9, "Joy": 3}, [("Joy", "joy")]),
        ({"joy": 9, "joy ": 9}, [("joy ", "joy")]),
        ({"let down": 9, "let-down": 2}, [("let-down", "let down")]),
        ({"thanks": 9, "thank": 9}, [("thanks", "thank")]),
        ({"complaint": 100, "complant": 1}, [("complant", "complaint")]),
        ({"anger": 100, "angre": 2}, [("angre", "anger")]),
        ({"anger": 100, "danger": 90}, []),
        ({"joy": 100, "toy": 1}, []),
        ({"level 1": 100, "level 2": 1}, []),
        ({"approval": 100, "disapproval": 1}, []),
    ],
)
def test_near_equal_labels(counts, pairs):
    assert list(near_equal(counts)) == pairs


@given(st.text("abcd", min_size=5, max_size=9), st.data())
def test_one_slip_is_symmetric_and_finds_each_kind(word, data):
    place = data.draw(st.integers(0, len(word) - 2))
    slips = [
        word[:place] + word[place + 1 :],
        word[:place] + "x" + word[place:],
        word[:place] + "x" + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    ]
    for slip in slips:
        assert one_slip(word, slip) and one_slip(slip, word)
    assert not one_slip(word, f"xy{word}")
    assert not one_slip(word, word[::-1] + "zz")


def parts(train, validation, test):
    frames = {"train": train, "validation": validation, "test": test}
    return Splits(
        {name: pd.DataFrame({"labels": rows}) for name, rows in frames.items()},
        dict.fromkeys(frames, 0),
    )


def test_labels_without_rows_in_a_split():
    splits = parts([["a"], ["b"]] * 300, [["a"]] * 200, [["a"], ["c"]] * 100)
    problems = check_splits(splits, LabelSet(("a", "b", "c")))
    assert [(p.level, p.reason) for p in problems] == [
        ("warning", "label 'b' (rows: 300) has none in validation and test"),
        ("warning", "label 'c' (rows: 100) has none in train and validation"),
    ]


def test_splits_that_are_too_small():
    problems = check_splits(parts([["a"]] * 9, [["a"]] * 4, [["a"]] * 5), LabelSet(("a",)))
    assert [(p.level, p.reason) for p in problems] == [
        ("error", "validation has 4 of the 5 rows that it needs"),
        ("warning", "test has 5 rows"),
    ]


def test_rows_dropped_of_given_splits_are_told():
    splits = parts([["a"]] * 9, [["a"]] * 9, [["a"]] * 300)._replace(
        dropped={"train": 7, "test": 0}
    )
    (problem,) = check_splits(splits, LabelSet(("a",)))
    assert problem.level == "warning" and "7 rows of train" in problem.reason


def test_texts_in_another_script_are_named():
    frame = reading(["fine", "всё хорошо"], [["a"], ["b"]]).frame
    (problem,) = check_script(frame, "latin", "MiniLM")
    assert problem.place == "t.csv:3" and "MiniLM" in problem.remedy


def test_a_message_lists_a_kind_once_and_not_without_end():
    many = [Problem("t.csv", n, n + 1, "bad", "mend it", "warning") for n in range(50)]
    lines = list(listed([*many, Problem("", None, None, "odd", "look", "error")]))
    assert lines[0] == "t.csv:1: bad"
    assert lines[SHOWN : SHOWN + 2] == [f"… and {50 - SHOWN} more", "  → mend it"]
    assert lines[-2:] == ["odd", "  → look"]


def test_only_errors_refuse():
    warning, error = (Problem("", None, None, "odd", "look", kind) for kind in ("warning", "error"))
    refuse([warning])
    with pytest.raises(EmotionSlmError, match="odd\n  → look"):
        refuse([warning, error])
