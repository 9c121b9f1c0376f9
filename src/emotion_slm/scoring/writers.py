"""Scored rows as bytes, chunk by chunk: whatever prefix of chunks is written is a valid file."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import separator
from emotion_slm.scoring.chunks import Reader
from emotion_slm.scoring.delimited import CsvReader
from emotion_slm.scoring.formats import DELIMITERS, Format, Quoting, encodable
from emotion_slm.scoring.readers import JsonlReader

DECIMALS = 4
# Of text files to csv and pandas, and of `str.splitlines`.
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class Writer(Protocol):
    """`header` comes first, then a piece per chunk; `finish` turns the whole into `output`.

    `encode` takes the rows of a chunk, the labels found in each and (n, m) probabilities.
    """

    def header(self) -> bytes: ...

    def encode(self, rows: Any, labels: list[list[str]], probabilities: np.ndarray) -> bytes: ...

    def finish(self, part: Path, output: Path) -> None: ...


def create_writer(source: Path, form: Format, reader: Reader, names: Sequence[str]) -> Writer:
    """The writer of `form` for what `reader` reads, and probability columns called `names`.

    EmotionSlmError, naming `source`, when its columns cannot be had in `form`.
    """
    columns = reader.columns
    if form in (Format.JSONL, Format.PARQUET) and len(set(columns)) < len(columns):
        raise EmotionSlmError(
            f"{source}: two columns have one name, which {form} forbids; rename one, or write csv"
        )
    if form is Format.JSONL:
        return JsonlWriter(reader, names)
    if form is Format.PARQUET:
        if isinstance(reader, JsonlReader):
            raise EmotionSlmError(
                f"{source}: JSONL gives its columns no fixed types, which Parquet needs; score it "
                "to jsonl or csv"
            )
        from emotion_slm.scoring.parquet import ParquetWriter

        return ParquetWriter(source, reader, names)
    delimiter = "\t" if form is Format.TSV else ","
    if not isinstance(reader, CsvReader):
        return CsvWriter(reader, names, delimiter)
    if form is Format.CSV and reader.delimiter in DELIMITERS:
        delimiter = reader.delimiter
    quoted = reader.quoting is not Quoting.NONE or reader.delimiter != delimiter
    return CsvWriter(reader, names, delimiter, quoted)


class CsvWriter:
    """Labels between the separator of their names, a space for most; four decimals.

    Fields are quoted where they hold a quote, the delimiter or what some reader takes for a line
    end; Python's csv module leaves a lone carriage return unquoted before version 3.13. Unless
    `quoted` they stand as they are: what was read without quoting has none of these.
    """

    def __init__(
        self, reader: Reader, names: Sequence[str], delimiter: str = ",", quoted: bool = True
    ):
        self.columns = reader.columns
        self.names = names
        self.delimiter = delimiter
        self.quoted = quoted
        self.between = separator([*names, "" if quoted else delimiter])
        self.special = re.compile(f'["{re.escape(delimiter)}{LINE_ENDS}]')

    def header(self) -> bytes:
        return self._line([*map(encodable, self.columns), "labels", *self.names])

    def encode(self, rows, labels: list[list[str]], probabilities: np.ndarray) -> bytes:
        return b"".join(
            self._line(
                [*fields, self.between.join(found), *(f"{value:.{DECIMALS}f}" for value in values)]
            )
            for fields, found, values in zip(
                self._fields(rows), labels, probabilities.tolist(), strict=True
            )
        )

    def finish(self, part: Path, output: Path) -> None:
        part.replace(output)

    def _fields(self, rows) -> Iterable[list[str]]:
        if not isinstance(rows, list):
            from emotion_slm.scoring.parquet import python_rows

            return ([_cell(value) for value in row] for row in python_rows(rows))
        if rows and isinstance(rows[0], dict):
            return ([_cell(row.get(name)) for name in self.columns] for row in rows)
        return rows

    def _line(self, fields: list[str]) -> bytes:
        if self.quoted:
            fields = [
                '"' + field.replace('"', '""') + '"' if self.special.search(field) else field
                for field in fields
            ]
        return (self.delimiter.join(fields) + "\n").encode()


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
            from emotion_slm.scoring.parquet import python_rows

            values = map(_json_values, python_rows(rows))
            return [dict(zip(self.columns, row, strict=True)) for row in values]
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
