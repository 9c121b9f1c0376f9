"""The fields of scored rows as values, whichever format they come from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emotion_slm.scoring.chunks import Chunk
from emotion_slm.scoring.parquet import python_rows


def column_values(chunk: Chunk, columns: Sequence[str], name: str) -> list:
    if not isinstance(chunk.rows, list):
        return _values(chunk.rows.column(name))
    if isinstance(chunk.rows[0], dict):
        return [row.get(name) for row in chunk.rows]
    place = list(columns).index(name)
    return [row[place] for row in chunk.rows]


def _values(column) -> list:
    """A column of Parquet, to microseconds; as text what Python has no value for, such as years of
    five digits."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        return column.to_pylist()
    except (ValueError, OverflowError, KeyError, pa.ArrowException):
        batch = pa.RecordBatch.from_arrays([column], names=["value"])
        return [value for (value,) in python_rows(batch)]


def probability_rows(chunk: Chunk, columns: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """(texts, labels) float32, NaN where a field is no number."""
    if isinstance(chunk.rows, list):
        parts = [_numbers(column_values(chunk, columns, label)) for label in labels]
    else:
        parts = [_floats(chunk.rows.column(label)) for label in labels]
    return np.stack(parts, axis=1)


def _floats(column) -> np.ndarray:
    """A column of Parquet, which holds numbers as such."""
    if str(column.type) in ("float", "double", "halffloat"):
        return column.to_numpy(zero_copy_only=False).astype(np.float32)
    return _numbers(column.to_pylist())


def _numbers(values: list) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float32)
    except (ValueError, TypeError):
        return np.array([_number(value) for value in values], dtype=np.float32)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError):
        return float("nan")
