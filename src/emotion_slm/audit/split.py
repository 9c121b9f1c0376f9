"""Leak audit of data/split: no id and no text on two sides."""

from pathlib import Path

from emotion_slm.audit.result import result
from emotion_slm.common import files
from emotion_slm.common.paths import SPLIT, SPLITS

COLUMNS = ("id", "text", "labels", "official_split", "duplicate_group")


def audit_split(root: Path = Path()) -> dict:
    """Check ids, verbatim and normalised texts of train, validation and test against each other.

    A duplicate group must be the rows of one normalised text, no more and no fewer: folds and
    intervals are drawn by group.
    """
    from emotion_slm.corpus.split import normalize

    rows = read_rows(root)
    rows["normalized"] = rows["text"].map(normalize)
    groups_of_text = rows.groupby("normalized")["duplicate_group"].transform("nunique")
    texts_of_group = rows.groupby("duplicate_group")["normalized"].transform("nunique")
    offending = {
        "ids_repeated_within_a_split": rows.duplicated(["split", "id"]),
        "rows_with_verbatim_text_in_another_split": _in_several_splits(rows, "text"),
        "rows_with_text_in_another_split": _in_several_splits(rows, "normalized"),
        "rows_with_false_duplicate_group": (groups_of_text != 1) | (texts_of_group != 1),
    }
    offenders = {
        "ids_in_several_splits": sorted(set(rows["id"][_in_several_splits(rows, "id")])),
        **{rule: rows["id"][mask].tolist() for rule, mask in offending.items()},
    }
    counts = rows["split"].value_counts()
    return result(offenders, {"rows": {name: int(counts.get(name, 0)) for name in SPLITS}})


def read_rows(root: Path):
    """The rows of all three splits in one frame: COLUMNS, and `split`."""
    import pandas as pd

    frames = [
        files.read_parquet(root / SPLIT / f"{name}.parquet", COLUMNS)[list(COLUMNS)].assign(
            split=name
        )
        for name in SPLITS
    ]
    return pd.concat(frames, ignore_index=True)


def _in_several_splits(rows, column: str):
    return rows.groupby(column)["split"].transform("nunique") > 1
