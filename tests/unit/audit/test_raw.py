from dataclasses import replace

import pandas as pd
import pytest
from support.labels import CORPUS, GOEMOTIONS
from support.leaks import append, drop, edit, rewrite

from emotion_slm.audit.raw import audit_raw, label_shift
from emotion_slm.common import files
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import NORMAL, write_corpus
from emotion_slm.corpus.split import split_official

TRAIN = "data/split/train.parquet"
VALIDATION = "data/split/validation.parquet"
TEST = "data/split/test.parquet"

# Rows of test keep the order of data/raw; row 3 is test3.
LEAKS = {
    "a test row dropped": (drop(TEST, 3), "raw_rows_missing", "test3"),
    "a validation row dropped": (drop(VALIDATION, 3), "raw_rows_missing", "dev4"),
    "a train row dropped": (drop(TRAIN, 3), "raw_rows_missing", "train4"),
    "a test label flipped": (edit(TEST, 3, labels=["grief"]), "labels_altered", "test3"),
    "a test label added": (edit(TEST, 3, labels=["joy", "grief"]), "labels_altered", "test3"),
    "a test row without labels": (edit(TEST, 3, labels=[]), "labels_altered", "test3"),
    "a test text edited": (edit(TEST, 3, text="easier"), "text_altered", "test3"),
    "a test text with white space stripped": (
        rewrite(TEST, lambda frame: frame.assign(text=frame["text"].str.rstrip("!"))),
        "text_altered", "test0",
    ),
    "a train text edited": (edit(TRAIN, 3, text="easier"), "text_altered", "train4"),
    "a train row from nowhere": (
        append(TRAIN, TEST, 3, id="made up", text="made up"), "rows_not_in_raw", "made up",
    ),
    "a row of train evaluated as test": (
        append(TEST, TRAIN, 3), "rows_outside_their_official_split", "train4",
    ),
    "an origin altered": (edit(TEST, 3, official_split="train"), "official_split_altered", "test3"),
}  # fmt: skip


def test_clean_official_split_passes_and_drops_are_explained(audited):
    result = audit_raw(audited, "official")
    assert result["passed"] is True
    dropped = result["findings"]["raw_rows_dropped_as_duplicates"]
    assert dropped == {"train": 1, "dev": 1, "test": 0}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, leak):
    plant, rule, example = LEAKS[leak]
    plant(audited)
    result = audit_raw(audited, "official")
    assert result["must_be_zero"][rule] >= 1
    assert example in result["examples"][rule]
    assert result["passed"] is False


def test_pooled_rows_are_never_dropped(audited):
    result = audit_raw(audited, "pooled")
    assert result["must_be_zero"]["raw_rows_missing"] == 2
    assert result["examples"]["raw_rows_missing"] == ["dev0", "train0"]


def test_order_of_a_label_set_is_no_difference(audited):
    rewrite(TEST, lambda frame: frame.assign(labels=frame["labels"].map(lambda x: x[::-1])))(
        audited
    )
    assert audit_raw(audited, "official")["passed"]


def test_shift_of_thinned_neutral_is_found():
    natural = [["neutral"]] * 30 + [["joy"]] * 40 + [["love", "fear"]] * 30
    shift = label_shift(natural, natural[28:], GOEMOTIONS)
    assert shift["label"] == "neutral"
    assert shift["natural_share"] == 0.3
    assert shift["evaluated_share"] == pytest.approx(2 / 72, abs=1e-6)
    assert shift["largest_share_difference"] == pytest.approx(0.3 - 2 / 72, abs=1e-6)
    assert 0 < shift["jensen_shannon"] < 1


def test_shift_of_the_same_and_of_disjoint_labels():
    assert label_shift([["joy"], ["love"]], [["joy"], ["love"]], GOEMOTIONS)["jensen_shannon"] == 0
    assert label_shift([["joy"]], [["love"]], GOEMOTIONS)["jensen_shannon"] == 1
    assert label_shift([["joy"]], [], GOEMOTIONS) == {}


def test_a_row_may_be_missing_whose_group_is_in_a_later_split(tmp_path):
    corpus = replace(CORPUS, columns=(*NORMAL, "group"))
    groups = {"train": ["x", "y", ""], "dev": ["y", "z", ""], "test": ["x", "v", ""]}
    frames = {
        split: pd.DataFrame(
            {
                "id": [f"{split}{row}" for row in range(3)],
                "text": [f"{split} says {row}" for row in range(3)],
                "labels": [["joy"], ["fear"], []],
                "group": names,
            }
        )
        for split, names in groups.items()
    }
    corpus = replace(corpus, unlabelled=True)
    contents = {f"{split}.tsv": tsv.render(frame, corpus) for split, frame in frames.items()}
    tsv.write_together(tmp_path / "data/raw", contents)
    write_corpus(tmp_path / "data/raw", corpus)
    rows = tsv.read_corpus(tmp_path / "data/raw", corpus)
    for name, frame in split_official(rows).frames.items():
        files.write_parquet(tmp_path / f"data/split/{name}.parquet", frame)
    result = audit_raw(tmp_path, "official")
    assert result["passed"]
    dropped = result["findings"]["raw_rows_dropped_as_duplicates"]
    assert dropped == {"train": 2, "dev": 0, "test": 0}
    drop(TRAIN, 0)(tmp_path)
    assert audit_raw(tmp_path, "official")["examples"]["raw_rows_missing"] == ["train2"]
