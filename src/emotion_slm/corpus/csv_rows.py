"""The rows of a CSV or TSV as text: how they are written, at which line each begins, and what is
wrong with the file as a whole."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from emotion_slm.corpus.description import FORMATS

DELIMITERS = ",;\t|"  # of CSV, the usual one first
FIRST_ROW_CHARACTERS = 100_000  # in which the names of columns end
FIELD_CHARACTERS = 10_000_000  # of one cell; the csv module's own limit is 131,072


class FlawError(Exception):
    """What is wrong with a file as a whole."""

    def __init__(self, reason: str, remedy: str, line: int | None = None, row: int | None = None):
        super().__init__(reason)
        self.reason, self.remedy, self.line, self.row = reason, remedy, line, row


def dialect(path: Path, text: str, wanted: list[str], header: list[str]) -> tuple[int, str]:
    """Lines to pass over (Excel's own first line `sep=;` is one), and what separates cells.

    Of the characters that may, the one by which the first row has most of the wanted columns, else
    most cells. The row is that of the names, which may hold line breaks.
    """
    if FORMATS[path.suffix.lower()] == "tsv":
        return 0, "\t"
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    said = first.strip('"')
    if said.startswith("sep=") and len(said) == len("sep=;"):
        return 1, said[-1]
    if header:
        return 0, ","

    def found(delimiter: str) -> tuple[int, int]:
        cells = _first_row(text, delimiter)
        return len(set(cells) & set(wanted)), len(cells)

    return 0, max(DELIMITERS, key=found)


def _first_row(text: str, delimiter: str) -> list[str]:
    """The cells of the first row that is not blank; none where its quotes cannot be read."""
    csv.field_size_limit(FIELD_CHARACTERS)
    lines = io.StringIO(text[:FIRST_ROW_CHARACTERS], newline="")
    try:
        return next((row for row in csv.reader(lines, delimiter=delimiter) if "".join(row)), [])
    except csv.Error:
        return []


def rows_by_themselves(text: str) -> bool:
    """Whether quotes of a tab-separated file mean nothing, as in many: they are at odds, or join
    lines, where each line is a row of as many cells as the first."""
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip()]
    if len({line.count("\t") for line in lines}) != 1:
        return False
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True))
    except csv.Error:
        return True
    return sum(bool("".join(row).strip()) for row in rows) < len(lines)


def records(
    text: str, delimiter: str, skipped: int, header: list[str], quoting: int
) -> tuple[list[str], list[int]]:
    """The columns, and the line at which each row begins; FlawError for an uneven one."""
    csv.field_size_limit(FIELD_CHARACTERS)
    source = io.StringIO(text, newline="")
    for _ in range(skipped):
        source.readline()
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting, strict=True)
    columns, lines = header, []
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise FlawError(
                f"its quotes cannot be read ({error})",
                'put a cell that holds a quote in quotes, and write the quote twice: "a ""b"""',
                line,
                len(lines) + 1,
            ) from error
        if len(cells) < 2 and not "".join(cells).strip():
            continue  # a blank line
        if not columns:
            columns = cells
            check_names(columns, line)
        elif len(cells) != len(columns):
            raise FlawError(
                f"{len(cells)} cells where there are {len(columns)} columns",
                f"put a cell that holds {delimiter!r} or a line break in quotes",
                line,
                len(lines) + 1,
            )
        else:
            lines.append(line)
    if not columns:
        raise FlawError("it is empty", "the first row names the columns")
    return columns, lines


def check_names(columns: Sequence[str], line: int | None = None) -> None:
    twice = [name for name in columns if columns.count(name) > 1]
    if "" in twice:
        remedy = "name or delete them, in a spreadsheet the empty columns beside the others"
        raise FlawError(f"{twice.count('')} columns have no name", remedy, line)
    if twice:
        raise FlawError(f"two columns are called {twice[0]!r}", "rename or delete one", line)


def decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in content[:100]
        likely = "UTF-16" if wide else "Windows' cp1252"
        line = None if wide else content[: error.start].count(b"\n") + 1
        raise FlawError(
            f"it is not UTF-8, perhaps {likely}",
            "save it as UTF-8 (in a spreadsheet: export as CSV UTF-8), or convert it: "
            f"`iconv -f {'UTF-16' if wide else 'CP1252'} -t UTF-8`",
            line,
        ) from None
