"""One file of a corpus as a table: CSV, TSV and Parquet through `datasets`, and JSON Lines.

What `datasets` cannot say is looked for first: the line of each row, and what is wrong with the
file itself. Nothing is guessed about cells: those of CSV are text, whatever they look like, and
values of JSON stay what they are.
"""

import csv
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require
from emotion_slm.corpus.csv_rows import (
    FlawError,
    check_names,
    decoded,
    dialect,
    records,
    rows_by_themselves,
)
from emotion_slm.corpus.description import FORMATS


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
    except FlawError as flaw:
        problem = Problem(file, flaw.row, flaw.line, flaw.reason, flaw.remedy)
        return Table(file, {}, 0, problems=[problem])


def _read_csv(path: Path, file: str, wanted: list[str], header: list[str]) -> Table:
    from datasets import Dataset, Features, Value

    text = decoded(path)
    skipped, delimiter = dialect(path, text, wanted, header)
    tabs = FORMATS[path.suffix.lower()] == "tsv"
    quoting = csv.QUOTE_NONE if tabs and rows_by_themselves(text) else csv.QUOTE_MINIMAL
    columns, lines = records(text, delimiter, skipped, header, quoting)
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


def _read_jsonl(path: Path, file: str, wanted: list[str], header: list[str]) -> Table:
    """Without `datasets`, which infers times from texts, reads "0" back as 0 from a column of its
    type Json, and takes a blank line for damage."""
    lines: list[int] = []
    objects: list[dict] = []
    remedy = "write one JSON object a line"
    for line, content in enumerate(decoded(path).split("\n"), start=1):
        if not content.strip():
            continue
        row = len(objects) + 1
        try:
            found = json.loads(content)
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair has no UTF-8
        except (ValueError, RecursionError) as error:
            raise FlawError(f"no valid JSON ({error})", remedy, line, row) from error
        if not isinstance(found, dict):
            raise FlawError(f"a {type(found).__name__}, no JSON object", remedy, line, row)
        lines.append(line)
        objects.append(found)
    if not objects:
        raise FlawError("it is empty", remedy)
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
        raise FlawError(f"no readable Parquet file ({error})", "export it again") from error
    names = found.schema.to_arrow_schema().names
    check_names(names)
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
        raise FlawError(f"cannot be read ({reason})", "export it again") from error
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
