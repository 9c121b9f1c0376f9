import numpy as np
import pandas as pd
import pytest

from emotion_slm.balance.undersample import undersample

LABELS = [["neutral"], ["joy"], ["neutral", "joy"], ["neutral"], ["anger"], ["neutral"]] * 20


@pytest.fixture(params=[list, np.array], ids=["lists", "arrays"])
def frame(request):
    return pd.DataFrame(
        {
            "id": [f"row{number}" for number in range(len(LABELS))],
            "text": [f" text {number} " for number in range(len(LABELS))],
            "labels": [request.param(names) for names in LABELS],
            "official_split": "train",
            "duplicate_group": range(len(LABELS)),
        }
    )


def ids(frame, neutral_only):
    is_neutral_only = frame["labels"].map(lambda names: list(names) == ["neutral"])
    return frame["id"][is_neutral_only == neutral_only].tolist()


def test_keeps_the_asked_number_of_neutral_only_rows_and_every_other_row(frame):
    thinned = undersample(frame, "neutral", 7, seed=1)
    assert len(ids(thinned, True)) == 7
    assert ids(thinned, False) == ids(frame, False)


def test_rows_keep_their_order_and_content(frame):
    thinned = undersample(frame, "neutral", 7, seed=1)
    kept = frame[frame["id"].isin(thinned["id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(thinned, kept)


@pytest.mark.parametrize("count", [60, 61, 1000])
def test_keeps_all_when_there_are_no_more(frame, count):
    pd.testing.assert_frame_equal(undersample(frame, "neutral", count, seed=1), frame)


def test_zero_removes_all_neutral_only_rows(frame):
    assert ids(undersample(frame, "neutral", 0, seed=1), True) == []


def test_the_seed_chooses_the_rows(frame):
    once, again, other = (
        undersample(frame, "neutral", 7, seed)["id"].tolist() for seed in (1, 1, 2)
    )
    assert once == again
    assert once != other


def test_every_neutral_only_row_can_be_chosen(frame):
    chosen = {
        row for seed in range(60) for row in ids(undersample(frame, "neutral", 7, seed), True)
    }
    assert chosen == set(ids(frame, True))


def test_global_random_state_is_untouched(frame):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    undersample(frame, "neutral", 7, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
