"""Reading CSV, TSV, JSONL, plain lines and Parquet in chunks; a bad row never ends the reading."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.chunks import Chunk, Reader, Rejected, Row, check_columns, cut
from emotion_slm.scoring.formats import STANDARD, Format

# Of one CSV field. The module's own limit is 131,072; some limit there must be, or a quote that is
# never closed would pull the rest of the file into memory.
FIELD_CHARACTERS = 1_000_000


def open_reader(
    source: Path,
    stream: BinaryIO,
    form: Format,
    text_column: str,
    results: Sequence[str],
    any_keys: bool = True,
) -> Reader:
    """The reader of `stream`, whose name is `source`.

    Unless `any_keys` may come, a JSON object with one that the first chunk has not is rejected.
    EmotionSlmError when there is no column `text_column`, or one is called as one of the
    `results` that will join it.
    """
    if form is Format.PARQUET:
        from emotion_slm.scoring.parquet import ParquetReader

        return ParquetReader(source, stream, text_column, results)
    # Bytes that are not UTF-8 become surrogates, by which `_utf8` knows the row that holds them.
    newline = "" if form in (Format.CSV, Format.TSV) else "\n"
    lines = TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline=newline)
    if form is Format.JSONL:
        return JsonlReader(source, lines, text_column, results, any_keys)
    if form is Format.LINES:
        return LinesReader(lines, text_column, results)
    return CsvReader(source, lines, text_column, results, "\t" if form is Format.TSV else ",")


class CsvReader:
    """CSV or TSV, quoted as spreadsheets do; the first row names the columns.

    Where the comma is a decimal sign, spreadsheets separate by semicolons: so is CSV read whose
    first line has these and no comma.
    """

    rows = None

    def __init__(self, source, lines, text_column, results, delimiter):
        csv.field_size_limit(FIELD_CHARACTERS)
        first = next(lines, "")
        semicolons = delimiter == "," and "," not in first and ";" in first
        self.delimiter = ";" if semicolons else delimiter
        self.reader = csv.reader(chain([first], lines), delimiter=self.delimiter, strict=True)
        try:
            self.columns = next(self.reader, [])
        except csv.Error as error:
            raise EmotionSlmError(f"{source}: not a readable CSV file ({error})") from error
        if not self.columns:
            raise EmotionSlmError(f"{source}: it is empty; its first row must name the columns")
        if not _utf8(*self.columns):
            raise EmotionSlmError(f"{source}: its first row is not UTF-8; save it as UTF-8")
        check_columns(source, self.columns, text_column, results)
        self.text = self.columns.index(text_column)

    def chunks(self) -> Iterator[Chunk]:
        return cut(self._records())

    def _records(self) -> Iterator[Row | Rejected]:
        width = len(self.columns)
        while True:
            line = self.reader.line_num + 1
            try:
                row = next(self.reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Rejected(line, f"{error} (lines {line} to {self.reader.line_num})")
                continue
            if not row and width > 1:
                continue  # a blank line
            row = row or [""]  # the empty text of a file of one column
            if len(row) != width:
                advice = (
                    "; put a field that holds a separator in quotes" if len(row) > width else ""
                )
                yield Rejected(line, f"{len(row)} fields where the header has {width}{advice}")
            elif not _utf8(*row):
                yield Rejected(line, "not UTF-8")
            else:
                yield Row(self.reader.line_num, row[self.text], row)


class JsonlReader:
    """One JSON object per line; blank lines are passed over.

    `columns` are the keys seen in the first chunk.
    """

    rows = None

    def __init__(self, source, lines, text_column, results, any_keys):
        self.lines = lines
        self.text_column = text_column
        self.results = frozenset(results)
        self.keys: dict[str, None] = {}  # of the first chunk, in order of appearance
        self.closed = False
        self.rest = cut(self._records())
        self.first = next(self.rest, None)
        self.columns = [key for key in self.keys if key not in self.results]
        self.closed = not any_keys
        if self.keys:
            # A misspelt column would otherwise reject every row of a long file.
            check_columns(source, self.columns, text_column, ())

    def chunks(self) -> Iterator[Chunk]:
        return chain([self.first] if self.first else [], self.rest)

    def _records(self) -> Iterator[Row | Rejected]:
        for number, line in enumerate(self.lines, start=1):
            if line.strip():
                yield self._record(number, line)

    def _record(self, number: int, line: str) -> Row | Rejected:
        if not _utf8(line):
            return Rejected(number, "not UTF-8")
        try:
            fields = json.loads(line, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as error:
            return Rejected(number, f"not JSON: {error}")
        if not isinstance(fields, dict):
            return Rejected(number, f"not a JSON object but {type(fields).__name__}")
        return self._object(number, fields)

    def _object(self, number: int, fields: dict[str, Any]) -> Row | Rejected:
        if self.closed and (unknown := fields.keys() - self.keys.keys()):
            return Rejected(number, f"key {min(unknown)!r} has no column: rows before lack it")
        self.keys.update(dict.fromkeys(fields))
        if self.text_column not in fields:
            return Rejected(number, f"no key {self.text_column!r}")
        text = fields[self.text_column]
        if not isinstance(text, str):
            return Rejected(number, f"{self.text_column!r} is {json.dumps(text)}, not a string")
        if taken := self.results & fields.keys():
            return Rejected(number, f"key {min(taken)!r} would be overwritten by a result")
        return Row(number, text, fields)


class LinesReader:
    """Every line is a text; a carriage return before its end belongs to the end."""

    rows = None

    def __init__(self, lines, text_column, results):
        self.lines = lines
        self.columns = [text_column]
        check_columns(STANDARD, self.columns, text_column, results)

    def chunks(self) -> Iterator[Chunk]:
        return cut(self._record(*numbered) for numbered in enumerate(self.lines, start=1))

    def _record(self, number: int, line: str) -> Row | Rejected:
        text = line.removesuffix("\n").removesuffix("\r")
        return Row(number, text, [text]) if _utf8(text) else Rejected(number, "not UTF-8")


def _utf8(*fields: str) -> bool:
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is not a finite number")
    return value
