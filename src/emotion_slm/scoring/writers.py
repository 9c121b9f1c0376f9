"""Scored rows as bytes, chunk by chunk: whatever prefix of chunks is written is a valid file."""

import csv
import json
import math
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.chunks import Reader
from emotion_slm.scoring.formats import Format, encodable
from emotion_slm.scoring.readers import CsvReader, JsonlReader

DECIMALS = 4


class Writer(Protocol):
    """`header` comes first, then a piece per chunk; `finish` turns the whole into `output`.

    `encode` takes the rows of a chunk, the labels found in each and (n, m) probabilities.
    """

    def header(self) -> bytes: ...

    def encode(self, rows: Any, labels: list[list[str]], probabilities: np.ndarray) -> bytes: ...

    def finish(self, part: Path, output: Path) -> None: ...


def create_writer(form: Format, reader: Reader, names: Sequence[str]) -> Writer:
    """The writer of `form` for what `reader` reads, and probability columns called `names`."""
    columns = reader.columns
    if form in (Format.JSONL, Format.PARQUET) and len(set(columns)) < len(columns):
        raise EmotionSlmError(f"two columns have one name, which {form} forbids; rename one")
    if form is Format.JSONL:
        return JsonlWriter(reader, names)
    if form is Format.PARQUET:
        if isinstance(reader, JsonlReader):
            raise EmotionSlmError(
                "JSONL gives its columns no fixed types, which Parquet needs; score it to jsonl "
                "or csv"
            )
        from emotion_slm.scoring.parquet import ParquetWriter

        return ParquetWriter(reader, names)
    if form is Format.TSV:
        return CsvWriter(reader, names, "\t")
    semicolons = isinstance(reader, CsvReader) and reader.delimiter == ";"
    return CsvWriter(reader, names, ";" if semicolons else ",")


class CsvWriter:
    """Labels separated by spaces, probabilities with four decimals."""

    def __init__(self, reader: Reader, names: Sequence[str], delimiter: str):
        self.columns = reader.columns
        self.names = names
        self.delimiter = delimiter

    def header(self) -> bytes:
        return self._lines([[*self.columns, "labels", *self.names]])

    def encode(self, rows, labels: list[list[str]], probabilities: np.ndarray) -> bytes:
        return self._lines(
            [*fields, " ".join(found), *(f"{value:.{DECIMALS}f}" for value in values)]
            for fields, found, values in zip(
                self._fields(rows), labels, probabilities.tolist(), strict=True
            )
        )

    def finish(self, part: Path, output: Path) -> None:
        part.replace(output)

    def _fields(self, rows) -> list[list[str]]:
        if isinstance(rows, list) and (not rows or isinstance(rows[0], list)):
            return rows
        objects = rows if isinstance(rows, list) else rows.to_pylist()
        return [[_cell(row.get(name)) for name in self.columns] for row in objects]

    def _lines(self, rows) -> bytes:
        content = StringIO()
        csv.writer(content, delimiter=self.delimiter, lineterminator="\n").writerows(rows)
        return content.getvalue().encode()


class JsonlWriter:
    """The keys as they were, `labels` as a list, a key per probability; lone surrogates escaped."""

    def __init__(self, reader: Reader, names: Sequence[str]):
        self.columns = reader.columns
        self.names = names

    def header(self) -> bytes:
        return b""

    def encode(self, rows, labels: list[list[str]], probabilities: np.ndarray) -> bytes:
        results = zip(labels, probabilities.round(DECIMALS).tolist(), strict=True)
        return b"".join(
            _line({**fields, "labels": found, **dict(zip(self.names, values, strict=True))})
            for fields, (found, values) in zip(self._objects(rows), results, strict=True)
        )

    def finish(self, part: Path, output: Path) -> None:
        part.replace(output)

    def _objects(self, rows) -> list[dict[str, Any]]:
        if not isinstance(rows, list):
            return [_json_values(row) for row in rows.to_pylist()]
        if rows and isinstance(rows[0], list):
            return [dict(zip(self.columns, row, strict=True)) for row in rows]
        return rows


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(content).encode() + b"\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | list | dict):
        value = json.dumps(_json_values(value), ensure_ascii=False)
    return encodable(str(value))


def _json_values(value: Any) -> Any:
    """What JSON can hold of `value`: dates and the like as strings, NaN as null."""
    if isinstance(value, dict):
        return {str(key): _json_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_values(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else str(value)
