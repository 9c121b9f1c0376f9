"""data/balanced: train rows, then synthetic rows with their provenance."""

from pathlib import Path

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_array, read_parquet, write_array, write_parquet

VECTORS = "vectors.npy"
ROWS = "rows.parquet"
COLUMNS = (
    "id", "labels", "synthetic", "target_label", "seed_id", "neighbour_id", "t", "normalized",
)  # fmt: skip


def write_balanced(folder: Path, vectors: np.ndarray, rows) -> None:
    """Write (n, d) float32 vectors and their frame, one row each."""
    write_array(folder / VECTORS, vectors)
    write_parquet(folder / ROWS, rows[list(COLUMNS)])


def read_balanced(folder: Path):
    """(n, d) float32 vectors, memory-mapped, and their frame; EmotionSlmError if they differ."""
    vectors = read_array(folder / VECTORS)
    rows = read_parquet(folder / ROWS, COLUMNS)
    if len(vectors) != len(rows):
        raise EmotionSlmError(
            f"{folder}: {VECTORS} has {len(vectors):,} rows, {ROWS} {len(rows):,}; run `dvc repro`"
        )
    return vectors, rows
