from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.robustness import (
    AFTER,
    AS_IT_IS,
    BEFORE,
    REWRITINGS,
    Given,
    Rows,
    british,
    cost_table,
    elsewhere,
    elsewhere_table,
    gain_table,
    rewritten,
)
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_parquet
from emotion_slm.common.paths import RAW, SPLIT
from emotion_slm.corpus.labels import Corpus, LabelSet, write_corpus

TEXTS = st.lists(st.text(max_size=60), max_size=8)


@given(TEXTS)
def test_a_rewriting_is_the_same_every_time_and_keeps_every_row(texts):
    for how in REWRITINGS:
        once = rewritten(texts, how)
        assert once == rewritten(texts, how) and len(once) == len(texts)


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        (AS_IT_IS, "That's GREAT!! \U0001f600", "That's GREAT!! \U0001f600"),
        ("lower-cased", "That's GREAT!!", "that's great!!"),
        ("no punctuation", "That's GREAT!! \U0001f600 (no_way)", "Thats GREAT \U0001f600 noway"),
        ("no emoji", "Nice \u2764\ufe0f work \U0001f44d\U0001f3fd!", "Nice  work !"),
        ("British spelling", "My favorite color, Mom", "My favourite colour, Mum"),
    ],
)
def test_what_a_rewriting_does(how, text, expected):
    assert rewritten([text], how) == [expected]


def test_a_longer_text_holds_the_text_whole():
    (text,) = rewritten(["I am so angry."], "in a longer text")
    before, after = text.split(" I am so angry. ")
    assert before in BEFORE and after in AFTER


@pytest.mark.parametrize(
    ("american", "spelling"),
    [
        (
            "Neighbors realized the theater was canceled",
            "Neighbours realised the theatre was cancelled",
        ),
        ("an honest, humorous mother; dishonored", "an honest, humorous mother; dishonored"),
        ("Mom, a moment", "Mum, a moment"),
    ],
)
def test_british_spelling_leaves_other_words(american, spelling):
    assert british(american) == spelling


def test_the_tables_say_what_a_rewriting_costs_and_a_model_gains():
    gold = np.array([[1, 0], [0, 1]] * 20)
    rows = Rows(["So Sad!", "So Glad!"] * 20, gold, np.arange(40))
    right, wrong = (Given(labels.astype(float), labels > 0) for labels in (gold, 1 - gold))
    found = {how: right for how in REWRITINGS} | {"lower-cased": wrong}
    rendered = cost_table(rows, found, "rows")
    lower = list(REWRITINGS).index("lower-cased")
    columns = {column.header: list(column.cells) for column in rendered.columns}
    assert columns["changed"][lower] == "100%" and columns["macro-F1"][lower] == "0.000"
    assert columns["to as it is"][lower] == "-1.000 [-1.000, -1.000]"
    other = gain_table(rows, {"first": found, "second": dict.fromkeys(REWRITINGS, right)})
    assert list(other.columns[1].cells)[lower] == "+1.000 [+1.000, +1.000]"


class Knowing:
    """A model of three labels that knows the second one and has the third upside down."""

    labels = LabelSet(("grief", "joy", "anger"))

    def logits(self, texts):
        return np.array([[0.0, "glad" in text, "cross" not in text] for text in texts])


def test_a_model_ranks_the_rows_of_another_corpus_by_the_labels_they_share(tmp_path):
    corpus = Corpus("moods", "Moods", LabelSet(("anger", "boredom", "joy"), single=True))
    write_corpus(tmp_path / RAW, corpus)
    frame = pd.DataFrame(
        {"text": ["I am cross", "so dull", "so glad"], "labels": [["anger"], ["boredom"], ["joy"]]}
    )
    write_parquet(tmp_path / SPLIT / "train.parquet", frame)
    other = elsewhere(tmp_path)
    found = other.auroc(Knowing())
    assert found == {"mean": 0.5, "anger": 0.0, "joy": 1.0}
    fewer = {"mean": 0.25, "joy": 0.25}
    table = elsewhere_table({Path("one"): found, Path("two"): fewer})
    cells = [list(column.cells) for column in table.columns]
    assert cells == [["one", "two"], ["0.500", "0.250"], ["0.000", ""], ["1.000", "0.250"]]
    with pytest.raises(EmotionSlmError, match="none of the labels boredom"):
        other._replace(names=["boredom"]).auroc(Knowing())
