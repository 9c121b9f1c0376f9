"""Leak audit of data/split: no id and no text on two sides."""

from pathlib import Path

from emotion_slm import files
from emotion_slm.evaluation.leakage_result import result
from emotion_slm.paths import SPLIT, SPLITS


def audit_split(root: Path = Path()) -> dict:
    """Check ids and normalised texts of train, validation and test against each other."""
    import pandas as pd

    from emotion_slm.corpus.split import normalize

    frames = [
        files.read_parquet(root / SPLIT / f"{name}.parquet", ["id", "text"])[["id", "text"]]
        for name in SPLITS
    ]
    rows = pd.concat(frames, keys=SPLITS, names=["split", None]).reset_index("split")
    rows["normalized"] = rows["text"].map(normalize)
    offenders = {
        "ids_in_several_splits": sorted(set(rows["id"][_in_several_splits(rows, "id")])),
        "ids_repeated_within_a_split": rows["id"][rows.duplicated(["split", "id"])].tolist(),
        "rows_with_text_in_another_split": rows["id"][
            _in_several_splits(rows, "normalized")
        ].tolist(),
    }
    counts = rows["split"].value_counts()
    return result(offenders, {"rows": {name: int(counts.get(name, 0)) for name in SPLITS}})


def _in_several_splits(rows, column: str):
    return rows.groupby(column)["split"].transform("nunique") > 1
