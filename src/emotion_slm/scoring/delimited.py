"""Reading CSV and TSV: which character separates, what quotes mean, and rows of several lines."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.chunks import Chunk, Rejected, Row, check_columns, cut, rejection
from emotion_slm.scoring.formats import Quoting
from emotion_slm.scoring.lines import LINE_CHARACTERS, Lines
from emotion_slm.scoring.sources import DamagedError

# Of one field. The module's own limit is 131,072; some limit there must be, or a quote that is
# never closed would pull the rest of the file into memory.
FIELD_CHARACTERS = 1_000_000
SAMPLE = 20  # lines that tell how a file without a header is separated


class CsvReader:
    """Rows of a file whose first one names the columns; without `header` they are "1", "2", ….

    The delimiter of CSV is the one that Excel's own first line `sep=;` gives, else the one by which
    the header has the text column. Quotes are read as spreadsheets write them. Tab-separated files
    often have quotes that mean nothing: where all lines that a quote would join are whole rows, or
    no quote closes it, they are rows of their own. With Quoting.NONE no quote means anything.
    """

    rows = None

    def __init__(
        self,
        source: Path,
        lines: Lines,
        text_column: str,
        results: Sequence[str],
        delimiters: str,
        header: bool,
        quoting: Quoting,
    ):
        csv.field_size_limit(FIELD_CHARACTERS)
        self.lines = lines
        self.quoting = quoting
        if not self._skip_blank():
            needed = "its first row must name the columns" if header else "nothing to score"
            raise EmotionSlmError(f"{source}: it is empty; {needed}")
        self.delimiter = self._separator() or (
            delimiters
            if len(delimiters) == 1
            else _by_header(lines.peek(SAMPLE), delimiters, text_column)
            if header
            else _by_rows(lines.peek(SAMPLE), delimiters)
        )
        self.reader = self._parser(_Bounded(lines))
        first = self._first(source, header)
        self.columns = first if header else [str(place + 1) for place in range(len(first))]
        if header and text_column not in self.columns and text_column.isdigit():
            raise EmotionSlmError(
                f"{source}: no column {text_column!r}; with --no-header, for a file whose first "
                "row names no columns, they are called by their numbers"
            )
        check_columns(source, self.columns, text_column, results)
        self.text = self.columns.index(text_column)

    def chunks(self) -> Iterator[Chunk]:
        return cut(self.records())

    def records(self) -> Iterator[Row | Rejected]:
        """`Lines.begin` is called before each of them, or before several that a quote held."""
        width = len(self.columns)
        while True:
            line = self.lines.begin()
            try:
                row = next(self.reader)
            except StopIteration:
                return
            except DamagedError as error:
                yield rejection(line, f"{error}; this row and what follows it are lost")
                return
            except csv.Error as error:
                yield from self._apart() or [self._misquoted(line, error)]
                continue
            if not row and width > 1:
                continue  # a blank line
            if len(self.lines.held) > 1 and (apart := self._apart()):
                yield from apart
            else:
                yield self._record(line, self.lines.number, row or [""])

    def _skip_blank(self) -> bool:
        """Pass over blank lines; whether there is any other."""
        while line := self.lines.peek(1):
            if line[0].strip("\r\n"):
                return True
            next(self.lines)
        return False

    def _separator(self) -> str | None:
        """What a first line `sep=;` says, which is passed over."""
        first = self.lines.peek(1)[0].rstrip("\r\n").strip('"')
        if not (first.startswith("sep=") and len(first) == len("sep=;")):
            return None
        next(self.lines)
        return first[-1]

    def _parser(self, lines: Iterator[str]):
        quoting = csv.QUOTE_NONE if self.quoting is Quoting.NONE else csv.QUOTE_MINIMAL
        return csv.reader(lines, delimiter=self.delimiter, quoting=quoting, strict=True)

    def _first(self, source: Path, header: bool) -> list[str]:
        """The first row; it is still to come unless it is the header."""
        sample = self.lines.peek(SAMPLE)
        try:
            if header:
                row = next(self.reader, [])
            elif len(_widths(sample, self.delimiter, str.split)) == 1:
                row = sample[0].rstrip("\r\n").split(self.delimiter)
            else:
                row = next(self._parser(iter(sample)), [])
        except csv.Error as error:
            raise EmotionSlmError(
                f"{source}: its first row cannot be read ({error}); --no-header, if it names no "
                "columns, and --quoting none, if its quotes are mere characters"
            ) from error
        flaw = self.lines.flaw("".join(row))
        if flaw:
            raise EmotionSlmError(
                f"{source}: its first row is {flaw}; save it as UTF-8, a row a line"
            )
        if not row:
            raise EmotionSlmError(f"{source}: it is empty; its first row must name the columns")
        return row

    def _record(self, line: int, last: int, row: list[str]) -> Row | Rejected:
        """`[""]` is the empty text of a file of one column."""
        width = len(self.columns)
        if flaw := self.lines.flaw("".join(row)):
            return Rejected(line, flaw)
        if len(row) != width:
            advice = "; put a field that holds a separator in quotes" if len(row) > width else ""
            return Rejected(line, f"{len(row)} fields where the header has {width}{advice}")
        return Row(last, row[self.text], row, sum(map(len, row)))

    def _apart(self) -> list[Row | Rejected]:
        """The lines held as rows of their own, if tabs make each of them one; else none."""
        width = len(self.columns)
        if self.delimiter != "\t" or width == 1:
            return []
        first = self.lines.number - len(self.lines.held) + 1
        rows = [
            (number, line.rstrip("\r\n").split("\t"))
            for number, line in enumerate(self.lines.held, start=first)
            if line.strip("\r\n")
        ]
        if any(len(row) != width for _, row in rows):
            return []
        return [self._record(number, number, row) for number, row in rows]

    def _misquoted(self, line: int, error: csv.Error) -> Rejected:
        advice = "; --quoting none, if quotes are mere characters" if self.delimiter == "\t" else ""
        last = self.lines.number
        place = f" (lines {line} to {last})" if last > line else ""
        return Rejected(line, f"{error}{place}{advice}")


class _Bounded:
    """Lines for the csv module, which would join any number of them to one row."""

    def __init__(self, lines: Lines):
        self.lines = lines

    def __iter__(self) -> "_Bounded":
        return self

    def __next__(self) -> str:
        if self.lines.characters > LINE_CHARACTERS:
            raise csv.Error(f"a row above {LINE_CHARACTERS:,} characters")
        return next(self.lines)


def _by_header(sample: list[str], delimiters: str, text_column: str) -> str:
    """By which the header, that may be of several lines, has the text column; else the comma, or
    what stands in its first line most often."""
    for delimiter in delimiters:
        if text_column in _first_row(sample, delimiter):
            return delimiter
    header = sample[0]
    return "," if "," in header else max(delimiters, key=header.count)


def _by_rows(sample: list[str], delimiters: str) -> str:
    """Which cuts all rows into the same number of fields, more than one; else the first.

    With quotes read as such, and if that gives none, as mere characters.
    """
    for fields in (_fields, str.split):
        for delimiter in delimiters:
            widths = _widths(sample, delimiter, fields)
            if len(widths) == 1 and widths.pop() > 1:
                return delimiter
    return delimiters[0]


def _widths(sample: list[str], delimiter: str, fields: Callable[[str, str], list[str]]) -> set[int]:
    """The numbers of fields that lines have which are not blank."""
    return {len(fields(line, delimiter)) for line in sample if line.strip("\r\n")}


def _fields(line: str, delimiter: str) -> list[str]:
    return _first_row([line], delimiter)


def _first_row(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []
