"""data/embedded: vectors of distinct texts, and which row belongs to which comment id."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import (
    read_array,
    read_json,
    read_parquet,
    write_array,
    write_json,
    write_parquet,
)
from emotion_slm.encoder.params import EncoderParams

VECTORS = "vectors.npy"
INDEX = "index.parquet"
CONFIG = "config.json"


def write_vectors(
    folder: Path, vectors: np.ndarray, ids: Sequence[str], rows: np.ndarray, encoder: EncoderParams
) -> None:
    """Write (n, d) float32 vectors, the row of each id, and how they were made."""
    import pandas as pd

    write_array(folder / VECTORS, vectors.astype(np.float32, copy=False))
    write_parquet(folder / INDEX, pd.DataFrame({"id": list(ids), "row": rows}))
    write_json(folder / CONFIG, encoder.model_dump())


def check_normalization(folder: Path, unit_length: bool) -> None:
    """EmotionSlmError when rows of unit length are to join vectors that are not."""
    if unit_length and not read_json(folder / CONFIG)["normalize"]:
        raise EmotionSlmError(
            "params.yaml: ismote.normalize puts synthetic rows on the unit sphere, where the real "
            "ones are not; set encoder.normalize too, or neither"
        )


def read_vectors(folder: Path, ids: Sequence[str]) -> np.ndarray:
    """(n, d) float32 vectors of `ids`, in their order; EmotionSlmError when one has none."""
    vectors = read_array(folder / VECTORS)
    index = read_parquet(folder / INDEX, ("id", "row")).set_index("id")["row"]
    rows = index.reindex(list(ids))
    if rows.isna().any():
        raise EmotionSlmError(
            f"{folder / INDEX}: no vector for id {rows.index[rows.isna()][0]!r}; run `dvc repro`"
        )
    return vectors[rows.to_numpy(dtype=np.int64)]
