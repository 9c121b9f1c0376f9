"""Where a file can be cut: after which bytes a row begins, found in one pass in bounded memory.

Compressed files, and those that are not UTF-8, stay whole.
"""

import io
from typing import BinaryIO, NamedTuple

from emotion_slm.bulk import units
from emotion_slm.bulk.units import Range
from emotion_slm.scoring.delimited import CsvReader
from emotion_slm.scoring.lines import LINE_CHARACTERS, TOO_LONG, Lines
from emotion_slm.scoring.sources import Source

BUFFER = 1 << 20  # bytes
MARK = b"\xef\xbb\xbf"  # of UTF-8


class Bytes(io.RawIOBase):
    """The bytes of an open pyarrow file from `start` to `stop`, for the classes of `io`."""

    def __init__(self, file, start: int = 0, stop: int | None = None):
        self.file = file
        self.place = start
        self.stop = file.size() if stop is None else stop

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.stop}[whence]
        self.place = base + offset
        return self.place

    def readinto(self, buffer) -> int:
        size = max(0, min(len(buffer), self.stop - self.place))
        if not size:
            return 0
        self.file.seek(self.place)
        piece = self.file.read(size)
        buffer[: len(piece)] = piece
        self.place += len(piece)
        return len(piece)


def buffered(raw: io.RawIOBase) -> BinaryIO:
    return io.BufferedReader(raw, BUFFER)


class Cuts(NamedTuple):
    """The ranges of a file, and the bytes and lines of what names its columns."""

    ranges: list[Range]
    head: bytes
    head_lines: int


class CountedLines(Lines):
    """Lines of UTF-8 that know how many bytes lie before the row that was begun last."""

    def __init__(self, source: Source):
        self.sizes: list[int] = []  # of the lines read ahead
        self.given = len(MARK) if source.head.startswith(MARK) else 0
        self.mark = self.given, 1
        super().__init__(source, "")
        # One byte that cannot be decoded is one character, so that none is lost to the count.
        self.stream.reconfigure(errors="surrogateescape")

    def __next__(self) -> str:
        line = super().__next__()
        self.given += self.sizes.pop(0)
        return line

    def begin(self) -> int:
        number = super().begin()
        self.mark = self.given, number
        return number

    def _read(self) -> str:
        line = piece = self.stream.readline(LINE_CHARACTERS)
        size = _size(line)
        while len(piece) == LINE_CHARACTERS and not piece.endswith(("\n", "\r")):
            line, piece = TOO_LONG, self.stream.readline(LINE_CHARACTERS)
            size += _size(piece)
        if line:
            self.sizes.append(size)
        return line


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def cut_delimited(reader: CsvReader, lines: CountedLines, size: int, header: bool) -> Cuts:
    """Ranges of UNIT_ROWS rows of CSV or TSV, a few more where one quote holds several.

    Rows are told apart as they are when they are scored, line breaks in quotes included. The head
    is the file's own, to be read from its beginning up to the first range, unless `header` is
    false: then it is a row of the numbers that the columns are called by.
    """
    begins: list[tuple[int, int]] = []  # byte and line of each range
    rows: list[int] = []
    before = None
    for _ in reader.records():
        if lines.mark != before:
            before = lines.mark
            if not rows or rows[-1] >= units.UNIT_ROWS:
                begins.append(before)
                rows.append(0)
        rows[-1] += 1
    head, head_lines = b"", begins[0][1] - 1 if begins else 0
    if not header:
        head, head_lines = f"{reader.delimiter.join(reader.columns)}\n".encode(), 1
    return Cuts(_ranges(begins, rows, size), head, head_lines)


def cut_lines(stream: BinaryIO, size: int, blank_rows: bool) -> Cuts:
    """Ranges of UNIT_ROWS lines; unless `blank_rows`, blank ones are none."""
    begins: list[tuple[int, int]] = []
    rows: list[int] = []
    place = number = 0
    ended = True
    while line := stream.readline(LINE_CHARACTERS):
        if ended:
            number += 1
            text = line if place else line.removeprefix(MARK)
            if text and (blank_rows or not _blank(text)):
                if not rows or rows[-1] >= units.UNIT_ROWS:
                    begins.append((place, number))
                    rows.append(0)
                rows[-1] += 1
        place += len(line)
        ended = line.endswith(b"\n")
    return Cuts(_ranges(begins, rows, size), b"", 0)


def _ranges(begins: list[tuple[int, int]], rows: list[int], size: int) -> list[Range]:
    stops = [*(start for start, _ in begins), size][1:]
    return [
        Range(start, stop, line, count)
        for (start, line), stop, count in zip(begins, stops, rows, strict=True)
    ]


def _blank(line: bytes) -> bool:
    """Whether it has nothing but white space, to str.strip: some of it is not ASCII."""
    begin = line.strip()[:1]
    if begin and b" " < begin < b"\x80":
        return False
    return not line.decode("utf-8", "surrogateescape").strip()
