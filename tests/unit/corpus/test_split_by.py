"""Splitting by group and by time: what stays together, what comes first, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.labels import label_set

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import SPLITS
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import Corpus
from emotion_slm.corpus.params import Ratios, SplitParams
from emotion_slm.corpus.split import duplicate_groups, joined, normalize, split

LABELS = label_set(4)
PARAMS = SplitParams(
    protocol="pooled", ratios=Ratios.model_validate({"train": 0.6, "validation": 0.2, "test": 0.2})
)
OFFICIAL = PARAMS.model_copy(update={"protocol": "official"})
CORPUS = Corpus("tickets", "Tickets", LABELS)


def rows(texts, labels=None, official="train", **columns) -> pd.DataFrame:
    count = len(texts)
    found = labels or [[LABELS.names[row % 4]] for row in range(count)]
    frame = pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(count)],
            "text": texts,
            "labels": pd.Series(found, dtype="object"),
            "official_split": official,
        }
    )
    return frame.assign(**columns)


def stamps(days) -> list[str]:
    return [f"2026-01-01T00:00:00.{day:06d}+00:00" for day in days]


def sides(splits) -> pd.DataFrame:
    return pd.concat(
        [frame.assign(side=place) for place, frame in enumerate(splits.frames.values())],
        ignore_index=True,
    )


@st.composite
def tables(draw, timed=False):
    """Rows with repeated texts, groups that overlap with them, and perhaps times."""
    count = draw(st.integers(12, 60))
    numbers = draw(st.lists(st.integers(0, count), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, count), min_size=count, max_size=count))
    columns = {"group": [f"g{group}" if group > 2 else "" for group in groups]}
    if timed:
        days = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count))
        columns["time"] = stamps(days)
    return rows([f"Text {number}!" for number in numbers], **columns)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_rows_of_a_split_stand_together_by_text_and_group(frame):
    """The same rows as in the whole corpus; without groups duplicates alone, as they are."""
    frame = frame.assign(duplicate_group=duplicate_groups(frame["text"]) + 7)
    expected = joined(frame)
    found = rows_together(frame)
    assert ((found[:, None] == found) == (expected[:, None] == expected)).all()
    alone = rows_together(frame.drop(columns="group"))
    assert alone.tolist() == frame["duplicate_group"].tolist()


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 99))
def test_no_text_and_no_group_crosses(frame, seed):
    try:
        found = sides(split(frame, CORPUS, PARAMS, seed))
    except EmotionSlmError:  # too few that may be parted
        assert len(set(joined(frame))) < 30
        return
    assert sorted(found["id"]) == sorted(frame["id"])
    assert (found.groupby(found["text"].map(normalize))["side"].nunique() == 1).all()
    named = found[found["group"] != ""]
    assert (named.groupby("group")["side"].nunique() == 1).all()


@settings(max_examples=30, deadline=None)
@given(tables(timed=True), st.integers(0, 99))
def test_by_time_nothing_crosses_and_the_youngest_of_linked_rows_are_in_order(frame, seed):
    try:
        found = sides(split(frame, CORPUS, PARAMS, seed))
    except EmotionSlmError:
        assert len(set(joined(frame))) < 30
        return
    together = dict(zip(frame["id"], joined(frame), strict=True))
    linked = found["id"].map(together)
    assert (found.groupby(linked)["side"].nunique() == 1).all()
    youngest = found.groupby(linked)["time"].transform("max")
    for place in (1, 2):
        assert max(youngest[found["side"] < place]) <= min(youngest[found["side"] >= place])


def test_by_time_the_earliest_60_percent_train():
    order = np.random.default_rng(0).permutation(100)
    frames = split(
        rows([f"t{row}" for row in range(100)], time=stamps(order)), CORPUS, PARAMS, 0
    ).frames
    assert [len(frames[name]) for name in SPLITS] == [60, 20, 20]
    assert max(frames["train"]["time"]) < min(frames["validation"]["time"])
    assert max(frames["validation"]["time"]) < min(frames["test"]["time"])


def test_rows_of_a_group_follow_its_youngest():
    days = [*range(10), 0]
    frame = rows(
        [f"t{row}" for row in range(11)], time=stamps(days), group=[*[""] * 9, "late", "late"]
    )
    frames = split(frame, CORPUS, PARAMS, 0).frames
    assert {"r9", "r10"} <= set(frames["test"]["id"])


def test_groups_linked_through_a_text_are_one():
    frame = rows(["a", "b", "B!", "c", "d"], group=["x", "x", "y", "y", ""])
    assert joined(frame).tolist() == [0, 0, 0, 0, 1]


def test_grouped_shares_and_labels_are_those_of_the_ratios():
    random = np.random.default_rng(1)
    sizes = random.integers(1, 12, 300)
    group = np.repeat([f"g{number}" for number in range(300)], sizes)
    labels = [
        [LABELS.names[place]] for place in random.choice(4, len(group), p=[0.6, 0.3, 0.08, 0.02])
    ]
    frame = rows([f"t{row}" for row in range(len(group))], labels, group=group)
    frames = split(frame, CORPUS, PARAMS, 3).frames
    for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        assert len(frames[name]) == pytest.approx(share * len(frame), rel=0.03)
        rare = sum(LABELS.names[3] in found for found in frames[name]["labels"])
        assert rare == pytest.approx(
            share * sum(LABELS.names[3] in x for x in frame["labels"]), abs=3
        )


def test_another_seed_deals_groups_out_otherwise_and_the_same_one_alike():
    group = [f"g{row // 3}" for row in range(90)]
    frame = rows([f"t{row}" for row in range(90)], group=group)
    one, again, other = (sides(split(frame, CORPUS, PARAMS, seed)) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert one["id"].tolist() != other["id"].tolist()


def test_given_splits_lose_rows_whose_group_is_in_a_later_one():
    frame = rows(
        ["a", "b", "c", "d", "e", "f"],
        official=["train", "train", "dev", "dev", "test", "test"],
        group=["x", "", "x", "y", "y", ""],
    )
    splits = split(frame, CORPUS, OFFICIAL, 0)
    assert {name: list(found["id"]) for name, found in splits.frames.items()} == {
        "train": ["r1"],
        "validation": ["r2"],
        "test": ["r4", "r5"],
    }
    assert splits.dropped == {"train": 1, "validation": 1, "test": 0}


def test_a_corpus_in_one_file_has_no_official_split():
    with pytest.raises(EmotionSlmError, match=r"no row is left for validation and test.*pooled"):
        split(rows(["a", "b", "c"]), CORPUS, OFFICIAL, 0)


@pytest.mark.parametrize("columns", [{}, {"group": "all"}, {"group": "all", "time": "now"}])
def test_what_cannot_be_parted_is_refused(columns):
    texts = ["one"] * 9 if not columns else [f"t{row}" for row in range(9)]
    with pytest.raises(EmotionSlmError, match="too few; add rows"):
        split(rows(texts, **columns), CORPUS, PARAMS, 0)


@pytest.mark.parametrize("count", [2, 3, 6, 40, 300])
@pytest.mark.parametrize("columns", ["", "group", "time"])
def test_few_rows_of_many_labels_are_split(count, columns):
    """100 rows, some without a label, most labels with none or one of them."""
    labels = label_set(count)
    random = np.random.default_rng(count)
    found = [
        [labels.names[place] for place in random.choice(count, size)]
        for size in random.integers(0, 3, 100)
    ]
    more = {
        "group": {"group": [f"g{row // 2}" for row in range(100)]},
        "time": {"time": stamps(range(100))},
    }.get(columns, {})
    frame = rows([f"t{row}" for row in range(100)], found, **more)
    splits = split(frame, Corpus("t", "T", labels), PARAMS, 0)
    assert sum(map(len, splits.frames.values())) == 100
    assert abs(len(splits.frames["train"]) - 60) <= 4
