"""One file of a corpus as a table: CSV, TSV and Parquet through `datasets`, and JSON Lines.

What `datasets` cannot say is looked for first: the line of each row, and what is wrong with the
file itself. Nothing is guessed about cells: those of CSV are text, whatever they look like, and
values of JSON stay what they are.
"""

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require
from emotion_slm.corpus.description import FORMATS

DELIMITERS = ",;\t|"  # of CSV, the usual one first
FIRST_ROW_CHARACTERS = 100_000  # in which the names of columns end
FIELD_CHARACTERS = 10_000_000  # of one cell; the csv module's own limit is 131,072


class Problem(NamedTuple):
    """What is wrong with a file or with one row of it.

    `row` counts rows of data from 1, a header is none; `line` is where it begins in a text file.
    """

    file: str
    row: int | None
    line: int | None
    reason: str
    remedy: str
    level: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        return place(self.file, self.row, self.line)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}; {self.remedy}"


class Table(NamedTuple):
    """Columns of one file, each a list of Python values, one per row.

    `lines`: where rows begin, of a text file; `class_names`: the names that the numbers of a column
    stand for, where the file says so; `problems` of the whole file, which then has no rows.
    """

    file: str
    columns: Mapping[str, list[Any]]
    rows: int
    lines: Sequence[int] | None = None
    class_names: Mapping[str, list[str]] = {}
    problems: Sequence[Problem] = ()

    def problem(self, row: int, reason: str, remedy: str, level="error") -> Problem:
        """`row` from 0."""
        return Problem(self.file, row + 1, self.line(row), reason, remedy, level)

    def line(self, row: int) -> int | None:
        return self.lines[row] if self.lines else None


def place(file: str, row: int | None, line: int | None) -> str:
    """`tickets.csv:18` by line, `tickets.parquet, row 17` where there are none."""
    if line is not None:
        return f"{file}:{line}"
    return file if row is None else f"{file}, row {row}"


def read_table(path: Path, file: str, wanted: Iterable[str], header: Sequence[str] = ()) -> Table:
    """The file at `path`, called `file`, and of Parquet the `wanted` columns alone.

    `header`: the names of its columns, where it has no row of names.
    """
    require(path)
    try:
        return READERS[FORMATS[path.suffix.lower()]](path, file, list(wanted), list(header))
    except _FlawError as flaw:
        problem = Problem(file, flaw.row, flaw.line, flaw.reason, flaw.remedy)
        return Table(file, {}, 0, problems=[problem])


class _FlawError(Exception):
    """What is wrong with a file as a whole."""

    def __init__(self, reason: str, remedy: str, line: int | None = None, row: int | None = None):
        super().__init__(reason)
        self.reason, self.remedy, self.line, self.row = reason, remedy, line, row


def _read_csv(path: Path, file: str, wanted: list[str], header: list[str]) -> Table:
    from datasets import Dataset, Features, Value

    text = _decoded(path)
    skipped, delimiter = _dialect(path, text, wanted, header)
    tabs = FORMATS[path.suffix.lower()] == "tsv"
    quoting = csv.QUOTE_NONE if tabs and _rows_by_themselves(text) else csv.QUOTE_MINIMAL
    columns, lines = _records(text, delimiter, skipped, header, quoting)
    if not lines:
        return Table(file, {name: [] for name in columns}, 0)
    table = _loaded(
        path,
        Dataset.from_csv,
        features=Features({name: Value("string") for name in columns}),
        sep=delimiter,
        header=None if header else 0,
        names=columns,
        skiprows=skipped,
        quoting=quoting,
        encoding="utf-8-sig",
        keep_default_na=False,
    )
    return _table(file, table, lines)


def _dialect(path: Path, text: str, wanted: list[str], header: list[str]) -> tuple[int, str]:
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


def _rows_by_themselves(text: str) -> bool:
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


def _records(
    text: str, delimiter: str, skipped: int, header: list[str], quoting: int
) -> tuple[list[str], list[int]]:
    """The columns, and the line at which each row begins; _FlawError for an uneven one."""
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
            raise _FlawError(
                f"its quotes cannot be read ({error})",
                'put a cell that holds a quote in quotes, and write the quote twice: "a ""b"""',
                line,
                len(lines) + 1,
            ) from error
        if len(cells) < 2 and not "".join(cells).strip():
            continue  # a blank line
        if not columns:
            columns = cells
            _check_names(columns, line)
        elif len(cells) != len(columns):
            raise _FlawError(
                f"{len(cells)} cells where there are {len(columns)} columns",
                f"put a cell that holds {delimiter!r} or a line break in quotes",
                line,
                len(lines) + 1,
            )
        else:
            lines.append(line)
    if not columns:
        raise _FlawError("it is empty", "the first row names the columns")
    return columns, lines


def _check_names(columns: Sequence[str], line: int | None = None) -> None:
    twice = [name for name in columns if columns.count(name) > 1]
    if "" in twice:
        remedy = "name or delete them, in a spreadsheet the empty columns beside the others"
        raise _FlawError(f"{twice.count('')} columns have no name", remedy, line)
    if twice:
        raise _FlawError(f"two columns are called {twice[0]!r}", "rename or delete one", line)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in content[:100]
        likely = "UTF-16" if wide else "Windows' cp1252"
        line = None if wide else content[: error.start].count(b"\n") + 1
        raise _FlawError(
            f"it is not UTF-8, perhaps {likely}",
            "save it as UTF-8 (in a spreadsheet: export as CSV UTF-8), or convert it: "
            f"`iconv -f {'UTF-16' if wide else 'CP1252'} -t UTF-8`",
            line,
        ) from None


def _read_jsonl(path: Path, file: str, wanted: list[str], header: list[str]) -> Table:
    """Without `datasets`, which infers times from texts, reads "0" back as 0 from a column of its
    type Json, and takes a blank line for damage."""
    lines: list[int] = []
    objects: list[dict] = []
    remedy = "write one JSON object a line"
    for line, content in enumerate(_decoded(path).split("\n"), start=1):
        if not content.strip():
            continue
        row = len(objects) + 1
        try:
            found = json.loads(content)
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair has no UTF-8
        except (ValueError, RecursionError) as error:
            raise _FlawError(f"no valid JSON ({error})", remedy, line, row) from error
        if not isinstance(found, dict):
            raise _FlawError(f"a {type(found).__name__}, no JSON object", remedy, line, row)
        lines.append(line)
        objects.append(found)
    if not objects:
        raise _FlawError("it is empty", remedy)
    keys = dict.fromkeys(key for found in objects for key in found)
    columns = {key: [found.get(key) for found in objects] for key in keys}
    return Table(file, columns, len(objects), lines)


def _read_parquet(path: Path, file: str, wanted: list[str], header: list[str]) -> Table:
    import pyarrow
    import pyarrow.parquet
    from datasets import Dataset

    try:
        found = pyarrow.parquet.read_metadata(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise _FlawError(f"no readable Parquet file ({error})", "export it again") from error
    names = found.schema.to_arrow_schema().names
    _check_names(names)
    present = [name for name in names if name in wanted]
    none: dict[str, list] = {name: [] for name in names}
    if not present or not found.num_rows:
        return Table(file, none, 0)
    table = _table(file, _loaded(path, Dataset.from_parquet, columns=present), None)
    return table._replace(columns=none | dict(table.columns))


READERS = {"csv": _read_csv, "tsv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}


def _loaded(path: Path, load, **options):
    """What `datasets` reads; its own cache would keep a copy of the rows, so it gets none."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory() as cache:
            return load(str(path), cache_dir=cache, keep_in_memory=True, **options)
    except (datasets.exceptions.DatasetsError, ValueError, OSError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise _FlawError(f"cannot be read ({reason})", "export it again") from error
    finally:
        if shown:
            datasets.enable_progress_bars()


def _table(file: str, dataset, lines: list[int] | None) -> Table:
    from datasets import ClassLabel, List

    class_names = {}
    for name, feature in dataset.features.items():
        inner = feature.feature if isinstance(feature, List) else feature
        if isinstance(inner, ClassLabel):
            class_names[name] = inner.names
    if lines is not None and len(lines) != len(dataset):
        raise EmotionSlmError(
            f"{file}: {len(lines)} rows by its lines, {len(dataset)} by its cells; "
            "put cells that hold line breaks in quotes"
        )
    return Table(file, dataset.to_dict(), len(dataset), lines, class_names)
