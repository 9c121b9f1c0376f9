"""GoEmotions' file format: text, comma-separated label ids and comment id, tab-separated, quoted.

There is no header. Fields that hold a tab, a quote or a line break are quoted as in CSV.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path, require
from emotion_slm.common.paths import RAW_SPLITS
from emotion_slm.corpus.labels import LabelSet

FILES = tuple(f"{split}.tsv" for split in RAW_SPLITS)
SHOWN_PROBLEMS = 20
REMEDY = (
    "each row is text, comma-separated label ids "
    "(0–{}) and a unique comment id, tab-separated, CSV-quoted, in UTF-8; "
    "correct the rows, or delete the folder and run stage fetch again"
)

# What `surrogateescape` makes of bytes that are not UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")
_NEEDS_QUOTES = re.compile('[\t"\r\n]')

Row = tuple[str, str, list[str]]


def parse(path: Path, labels: LabelSet):
    """Read one file into a pandas frame with columns `id, text, labels`, rows in file order.

    `labels` holds the label names in the file's order of ids; texts keep their white space.
    EmotionSlmError lists the bad rows as `file:line: reason`, all of them up to SHOWN_PROBLEMS.
    """
    rows, problems = _read(path, _by_id(labels), {})
    _refuse(problems, labels)
    return _frame(rows)


def read_corpus(folder: Path, labels: LabelSet):
    """Read train, dev and test of `folder` into one frame, in that order.

    Columns: `id, text, labels, official_split`. Bad rows of all three files, ids that occur in
    two files among them, are reported together as in `parse`.
    """
    import pandas as pd

    frames, problems = [], []
    places: dict[str, str] = {}
    for split, name in zip(RAW_SPLITS, FILES, strict=True):
        rows, found = _read(folder / name, _by_id(labels), places)
        problems += found
        frames.append(_frame([] if problems else rows).assign(official_split=split))
    _refuse(problems, labels)
    return pd.concat(frames, ignore_index=True)


def render(frame, labels: LabelSet) -> bytes:
    """Columns `id, text, labels` of a frame → the bytes `parse` reads them from.

    The quoting is csv.writer's minimal one; written here because csv.writer leaves a carriage
    return unquoted before Python 3.13.
    """
    lines = []
    for identity, text, names in zip(frame["id"], frame["text"], frame["labels"], strict=True):
        ids = ",".join(str(place) for place in labels.columns(names))
        lines.append(f"{_quoted(text)}\t{ids}\t{_quoted(identity)}\n")
    return "".join(lines).encode()


def write_together(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files of `folder` by name; none appears under its name before all are on disk."""
    with ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(atomic_path(folder / name)).write_bytes(content)


def _by_id(labels: LabelSet) -> dict[str, str]:
    return {str(place): label for place, label in enumerate(labels.names)}


def _read(path: Path, by_id: dict[str, str], places: dict[str, str]) -> tuple[list[Row], list[str]]:
    """Good rows and problems of one file; `places` maps known ids to `file:line`, and grows."""
    content = require(path).read_bytes()
    rows: list[Row] = []
    problems: list[str] = []
    for line, fields in _records(content.decode(errors="surrogateescape")):
        reason = fields if isinstance(fields, str) else _fault(fields, by_id)
        place = f"{path}:{line}"
        if reason is None:
            text, ids, identity = fields
            first = places.setdefault(identity, place)
            if first is place:
                rows.append((identity, text, [by_id[i] for i in ids.split(",")]))
                continue
            reason = f"id {_shown(identity)} is already at {first}"
        problems.append(f"{place}: {reason}")
    if not rows and not problems:
        problems.append(f"{path}: the file holds no rows")
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


def _fault(fields: list[str], by_id: dict[str, str]) -> str | None:
    """Why a record is not a row of the corpus, or None."""
    if any(_UNDECODED.search(field) for field in fields):
        return "not valid UTF-8"
    if len(fields) != 3:
        return f"expected 3 columns, found {len(fields)}"
    text, ids, identity = fields
    if not text.strip():
        return "empty text"
    if not identity.strip():
        return "empty id"
    if ids in by_id:
        return None
    parts = ids.split(",")
    for part in parts:
        if part not in by_id:
            return f"unknown label id {_shown(part)}"
    if len(set(parts)) < len(parts):
        return f"duplicate label id in {_shown(ids)}"
    return None


def _refuse(problems: list[str], labels: LabelSet) -> None:
    if not problems:
        return
    shown = problems[:SHOWN_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"… and {len(problems) - len(shown)} more bad rows")
    raise EmotionSlmError("\n".join([*shown, REMEDY.format(len(labels) - 1)]))


def _frame(rows: list[Row]):
    import pandas as pd

    return pd.DataFrame(
        {
            "id": pd.Series([row[0] for row in rows], dtype="str"),
            "text": pd.Series([row[1] for row in rows], dtype="str"),
            "labels": pd.Series([row[2] for row in rows], dtype="object"),
        }
    )


def _quoted(field: str) -> str:
    if _NEEDS_QUOTES.search(field):
        return '"' + field.replace('"', '""') + '"'
    return field


def _shown(field: str) -> str:
    """`field` for a message: escaped and short."""
    return repr(field if len(field) <= 40 else f"{field[:40]}…")
