"""The form of data/raw, which is GoEmotions': text, comma-separated label ids and id, by tabs.

Group and time follow where the corpus has them. There is no header. Fields that hold a tab, a quote
or a line break are quoted as in CSV.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path, require
from emotion_slm.common.paths import RAW_FILES, RAW_SPLITS
from emotion_slm.corpus.labels import NORMAL, Corpus

SHOWN_PROBLEMS = 20
REMEDY = (
    "each row is text, comma-separated label ids "
    "(0–{}) and a unique comment id{}, tab-separated, CSV-quoted, in UTF-8; "
    "correct the rows, or delete the folder and run stage fetch again"
)

# What `surrogateescape` makes of bytes that are not UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")
_NEEDS_QUOTES = re.compile('[\t"\r\n]')

Row = list[str | list[str]]  # as the corpus's columns, with labels by name


def parse(path: Path, corpus: Corpus):
    """Read one file into a pandas frame with `id, text, labels` and the corpus's further columns.

    Rows are in file order; texts keep their white space. EmotionSlmError lists the bad rows as
    `file:line: reason`, all of them up to SHOWN_PROBLEMS, and refuses a file without rows.
    """
    rows, problems = _read(path, corpus, {})
    if not rows and not problems:
        problems.append(f"{path}: the file holds no rows")
    _refuse(problems, corpus)
    return _frame(rows, corpus)


def read_corpus(folder: Path, corpus: Corpus):
    """Read train, dev and test of `folder` into one frame, in that order.

    Columns: those of `parse`, and `official_split`. Bad rows of all three files, ids that occur in
    two files among them, are reported together as in `parse`. Dev and test have no rows where the
    corpus came in one file, and then both have none.
    """
    import pandas as pd

    frames, problems, empty = [], [], []
    places: dict[str, str] = {}
    for split, name in zip(RAW_SPLITS, RAW_FILES, strict=True):
        rows, found = _read(folder / name, corpus, places)
        problems += found
        if not rows and not found:
            empty.append(folder / name)
        frames.append(_frame([] if problems else rows, corpus).assign(official_split=split))
    if [path.name for path in empty] != list(RAW_FILES[1:]):
        problems += [f"{path}: the file holds no rows" for path in empty]
    _refuse(problems, corpus)
    return pd.concat(frames, ignore_index=True)


def render(frame, corpus: Corpus) -> bytes:
    """The corpus's columns of a frame → the bytes `parse` reads them from.

    The quoting is csv.writer's minimal one; written here because csv.writer leaves a carriage
    return unquoted before Python 3.13.
    """
    columns = [
        [",".join(map(str, corpus.labels.columns(names))) for names in frame[column]]
        if column == "labels"
        else [_quoted(field) for field in frame[column]]
        for column in corpus.columns
    ]
    return "".join("\t".join(fields) + "\n" for fields in zip(*columns, strict=True)).encode()


def write_together(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files of `folder` by name; none appears under its name before all are on disk."""
    with ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(atomic_path(folder / name)).write_bytes(content)


def _read(path: Path, corpus: Corpus, places: dict[str, str]) -> tuple[list[Row], list[str]]:
    """Good rows and problems of one file; `places` maps known ids to `file:line`, and grows."""
    by_id = {str(place): label for place, label in enumerate(corpus.labels.names)}
    content = require(path).read_bytes()
    rows: list[Row] = []
    problems: list[str] = []
    for line, fields in _records(content.decode(errors="surrogateescape")):
        reason = fields if isinstance(fields, str) else _fault(fields, by_id, corpus)
        place = f"{path}:{line}"
        if reason is None:
            text, ids, identity, *more = fields
            first = places.setdefault(identity, place)
            if first is place:
                labels = [by_id[i] for i in ids.split(",")] if ids else []
                rows.append([text, labels, identity, *more])
                continue
            reason = f"id {_shown(identity)} is already at {first}"
        problems.append(f"{place}: {reason}")
    return rows, problems


def _records(content: str) -> Iterator[tuple[int, list[str] | str]]:
    """(physical line a record begins at, its fields or the reason it has none)."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter="\t", strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"bad CSV quoting ({error})"


def _fault(fields: list[str], by_id: dict[str, str], corpus: Corpus) -> str | None:
    """Why a record is not a row of the corpus, or None."""
    if any(_UNDECODED.search(field) for field in fields):
        return "not valid UTF-8"
    if len(fields) != len(corpus.columns):
        return f"expected {len(corpus.columns)} columns, found {len(fields)}"
    text, ids, identity = fields[: len(NORMAL)]
    if not text.strip():
        return "empty text"
    if not identity.strip():
        return "empty id"
    if ids in by_id or (not ids and corpus.unlabelled):
        return None
    parts = ids.split(",")
    for part in parts:
        if part not in by_id:
            return f"unknown label id {_shown(part)}"
    if len(set(parts)) < len(parts):
        return f"duplicate label id in {_shown(ids)}"
    return None


def _refuse(problems: list[str], corpus: Corpus) -> None:
    if not problems:
        return
    shown = problems[:SHOWN_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"… and {len(problems) - len(shown)} more bad rows")
    further = "".join(f", then {column}" for column in corpus.columns[len(NORMAL) :])
    raise EmotionSlmError("\n".join([*shown, REMEDY.format(len(corpus.labels) - 1, further)]))


def _frame(rows: list[Row], corpus: Corpus):
    import pandas as pd

    order = ["id", *(column for column in corpus.columns if column != "id")]
    columns = zip(
        corpus.columns, zip(*rows, strict=True) if rows else [[]] * len(order), strict=True
    )
    return pd.DataFrame(
        {
            column: pd.Series(list(values), dtype="object" if column == "labels" else "str")
            for column, values in columns
        }
    )[order]


def _quoted(field: str) -> str:
    if _NEEDS_QUOTES.search(field):
        return '"' + field.replace('"', '""') + '"'
    return field


def _shown(field: str) -> str:
    """`field` for a message: escaped and short."""
    return repr(field if len(field) <= 40 else f"{field[:40]}…")
