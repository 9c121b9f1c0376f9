"""Reading files in chunks, row by row, in bounded memory; a bad row never ends the reading."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from emotion_slm.scoring.chunks import (
    Chunk,
    Reader,
    Rejected,
    Row,
    check_columns,
    cut,
    rejection,
)
from emotion_slm.scoring.delimited import CsvReader
from emotion_slm.scoring.formats import DELIMITERS, STANDARD, Format, Quoting
from emotion_slm.scoring.lines import Lines
from emotion_slm.scoring.sources import DamagedError, Source

# Far below what Python's stack holds: what is read must also be written.
NESTING = 100


def open_reader(
    source: Source,
    form: Format,
    text_column: str,
    results: Sequence[str],
    any_keys: bool = True,
    header: bool = True,
    quoting: Quoting = Quoting.DOUBLE,
    row_group: int | None = None,
    lines_before: int = 0,
) -> Reader:
    """The reader of `source`.

    Unless `any_keys` may come, a JSON object with one that the first chunk has not is rejected.
    `header` and `quoting` are of CSV and TSV; `row_group`, the only one to read, is of Parquet.
    `lines_before`: those of the file before the ones that `source` has. EmotionSlmError when there
    is no column `text_column`, or one is called as one of the `results` that will join it.
    """
    if form is Format.PARQUET:
        from emotion_slm.scoring.parquet import ParquetReader

        return ParquetReader(source, text_column, results, row_group)
    lines = Lines(source, "" if form in (Format.CSV, Format.TSV) else "\n", lines_before)
    if form is Format.JSONL:
        return JsonlReader(source.path, lines, text_column, results, any_keys)
    if form is Format.LINES:
        return LinesReader(lines, text_column, results)
    delimiters = "\t" if form is Format.TSV else DELIMITERS
    return CsvReader(source.path, lines, text_column, results, delimiters, header, quoting)


class JsonlReader:
    """One JSON object per line; blank lines are passed over.

    `columns` are the keys seen in the first chunk.
    """

    rows = None

    def __init__(self, source: Path, lines: Lines, text_column, results, any_keys):
        self.lines = lines
        self.text_column = text_column
        self.results = frozenset(results)
        self.keys: dict[str, None] = {}  # of the first chunk, in order of appearance
        self.closed = False
        begins = lines.number == 0
        self.rest = cut(_until_damaged(self._records(), lines))
        self.first = next(self.rest, None)
        self.columns = [key for key in self.keys if key not in self.results]
        self.closed = not any_keys
        if self.keys and begins:
            # A misspelt column would otherwise reject every row of a long file.
            check_columns(source, self.columns, text_column, ())

    def chunks(self) -> Iterator[Chunk]:
        return chain([self.first] if self.first else [], self.rest)

    def _records(self) -> Iterator[Row | Rejected]:
        for line in self.lines:
            number = self.lines.begin() - 1
            if line.strip():
                yield self._record(number, line)

    def _record(self, number: int, line: str) -> Row | Rejected:
        if flaw := self.lines.flaw(line):
            return Rejected(number, flaw)
        try:
            fields = json.loads(
                line, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_object
            )
        except (ValueError, RecursionError) as error:
            return rejection(number, f"not JSON: {error}")
        if not isinstance(fields, dict):
            return Rejected(number, f"not a JSON object but {type(fields).__name__}")
        if _nested_deeper(fields, NESTING):
            return Rejected(number, f"nested more than {NESTING} levels deep")
        return self._row(number, fields, len(line))

    def _row(self, number: int, fields: dict[str, Any], size: int) -> Row | Rejected:
        if self.closed and (unknown := fields.keys() - self.keys.keys()):
            return rejection(number, f"key {min(unknown)!r} has no column: rows before lack it")
        self.keys.update(dict.fromkeys(fields))
        if self.text_column not in fields:
            return Rejected(number, f"no key {self.text_column!r}")
        text = fields[self.text_column]
        if not isinstance(text, str):
            return rejection(number, f"{self.text_column!r} is {json.dumps(text)}, not a string")
        if taken := self.results & fields.keys():
            return Rejected(number, f"key {min(taken)!r} would be overwritten by a result")
        return Row(number, text, fields, size)


class LinesReader:
    """Every line is a text; a carriage return before its end belongs to the end."""

    rows = None

    def __init__(self, lines: Lines, text_column, results):
        self.lines = lines
        self.columns = [text_column]
        check_columns(STANDARD, self.columns, text_column, results)

    def chunks(self) -> Iterator[Chunk]:
        return cut(_until_damaged(map(self._record, self.lines), self.lines))

    def _record(self, line: str) -> Row | Rejected:
        number = self.lines.begin() - 1
        if flaw := self.lines.flaw(line):
            return Rejected(number, flaw)
        text = line.removesuffix("\n").removesuffix("\r")
        return Row(number, text, [text], len(text))


def _until_damaged(records: Iterator[Row | Rejected], lines: Lines) -> Iterator[Row | Rejected]:
    """All records before the damage of compressed data, which is rejected as one more."""
    try:
        yield from records
    except DamagedError as error:
        yield rejection(lines.number + 1, f"{error}; this row and what follows it are lost")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is not a finite number")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; Python would keep the last value of a key and drop the others."""
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"key {counts.most_common(1)[0][0]!r} stands in one object twice")
    return content


def _nested_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        containers = [inner for inner in layer if isinstance(inner, dict | list)]
        if not containers:
            return False
        layer = []
        for container in containers:
            layer.extend(container.values() if isinstance(container, dict) else container)
    return True
