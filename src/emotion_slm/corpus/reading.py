"""The rows of a described corpus: texts, label names, ids, groups, times, and what is wrong.

Every row that is not among them is counted: as a problem, or as dropped.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.params import shown
from emotion_slm.common.paths import CORPORA, RAW_SPLITS, SPLITS
from emotion_slm.corpus.description import (
    EMPTY_IS_NONE,
    EMPTY_IS_UNLABELLED,
    Description,
    LabelColumns,
    described_at,
)
from emotion_slm.corpus.label_cells import FaultError, Parser, as_text, columns_of, parser
from emotion_slm.corpus.labels import SINGLE_LABEL, is_plain
from emotion_slm.corpus.tables import Problem, Table, place, read_table

FRAME = ("id", "text", "labels", "official_split", "group", "time", "place")
BETWEEN_TEXTS = "\n\n"  # of columns that are joined
MOST_SHOWN = 20
TRUE, FALSE = {"1", "1.0", "true"}, {"0", "0.0", "false"}


class Reading(NamedTuple):
    """A corpus as its files have it.

    `frame`: a pandas frame with the columns of FRAME, rows in file order: `labels` are lists of
    names in label order, `official_split` one of RAW_SPLITS, `group` empty for a row that stands
    alone, `time` in UTC and in one width, so that its order as text is that in time; without group
    or time in the description both are empty. `dropped`: rows left out, by the reason.
    """

    frame: Any
    names: list[str]
    problems: list[Problem]
    dropped: dict[str, int]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level == "error"]

    def checked(self) -> "Reading":
        """Itself; EmotionSlmError lists its errors, the first MOST_SHOWN of them."""
        errors = self.errors
        if errors:
            more = len(errors) - MOST_SHOWN
            lines = [*map(str, errors[:MOST_SHOWN]), *([f"… and {more} more"] if more > 0 else [])]
            raise EmotionSlmError("\n".join(lines))
        return self


def read_rows(
    name: str, description: Description, root: Path = Path(), folder: Path | None = None
) -> Reading:
    """The rows of corpus `name`, whose files lie in `folder`: by default beside its description.

    EmotionSlmError when a file is missing; all else that is wrong is among the problems.
    """
    folder = folder or root / CORPORA / name
    rows = _Rows(name, description)
    for role, file in description.by_role.items():
        if not (folder / file).exists():
            raise EmotionSlmError(
                f"{folder / file}: no such file, which {described_at(name)} names; put it there"
            )
        rows.add(read_table(folder / file, file, rows.wanted, description.columns), role)
    return rows.reading()


class _Row(NamedTuple):
    table: Table
    number: int  # from 0
    split: str
    id: str
    text: str
    labels: list[str]
    group: str
    time: str


class _Rows:
    """Rows as they come, file by file, and what is wrong with them."""

    def __init__(self, name: str, description: Description):
        self.description, self.where = description, described_at(name)
        self.rows: list[_Row] = []
        self.problems: list[Problem] = []
        self.dropped: Counter[str] = Counter()
        self.class_names: list[str] = []
        self.places: dict[str, str] = {}  # of ids
        self.texts = [description.text] if isinstance(description.text, str) else description.text

    @property
    def wanted(self) -> dict[str, str]:
        """The columns that the description names → the key that does."""
        keys = {"text": self.texts, "labels": columns_of(self.description.labels)}
        for key in ("id", "group", "time"):
            if column := getattr(self.description, key):
                keys[key] = [column]
        return {column: key for key, columns in keys.items() for column in columns}

    def add(self, table: Table, role: str) -> None:
        self.problems += table.problems
        if table.problems:
            return
        for column, key in self.wanted.items():
            if column not in table.columns:
                near = did_you_mean(column, table.columns)
                there = "" if "known" in near else f"; its columns are {', '.join(table.columns)}"
                self.problems.append(
                    Problem(
                        table.file,
                        None,
                        None,
                        f"it has no column {column!r}{near}{there}",
                        f"correct `{key}` in {self.where}, or the file",
                    )
                )
                return
        if not table.rows:
            remedy = "a header alone is no corpus"
            self.problems.append(Problem(table.file, None, None, "it holds no rows", remedy))
        names = table.class_names.get(next(iter(columns_of(self.description.labels))), [])
        self.class_names += [name for name in names if name not in self.class_names]
        parse = parser(table, self.description, self.where)
        split = RAW_SPLITS[SPLITS.index(role)]
        for number in range(table.rows):
            try:
                self._add_row(table, number, split, parse)
            except FaultError as fault:
                self.problems.append(table.problem(number, fault.reason, fault.remedy))
            except _DroppedError as dropped:
                self.dropped[dropped.reason] += 1

    def _add_row(self, table: Table, number: int, split: str, parse: Parser) -> None:
        described = self.description
        labels = parse(number)
        distinct = list(dict.fromkeys(labels))
        if len(distinct) < len(labels):
            twice = Counter(labels).most_common(1)[0][0]
            reason = f"label {twice!r} is there twice"
            self.problems.append(table.problem(number, reason, "it counts once", "warning"))
        parts = [self._cell(table, column, number, "text") for column in self.texts]
        text = BETWEEN_TEXTS.join(part for part in parts if part.strip())
        identity = (
            f"{table.file}#{number + 1}"
            if described.id is None
            else self._cell(table, described.id, number, "id").strip()
        )
        at = place(table.file, number + 1, table.line(number))
        if not identity:
            raise FaultError("it has no id", f"fill column {described.id!r}, or leave out `id`")
        if (first := self.places.setdefault(identity, at)) is not at:
            remedy = "ids are unique; correct one, or leave out `id`"
            raise FaultError(f"id {shown(identity)} is already at {first}", remedy)
        group = self._cell(table, described.group, number, "group") if described.group else ""
        time = _time(table.columns[described.time][number]) if described.time else ""
        if not text.strip():
            remedy = "the row is left out"
            self.problems.append(table.problem(number, "empty text", remedy, "warning"))
            raise _DroppedError("empty text")
        if not distinct:
            distinct = self._of_empty(described.empty)
        if described.task == "single_label" and len(distinct) > 1:
            several = ", ".join(map(repr, distinct))
            raise FaultError(
                f"{len(distinct)} labels ({several})",
                "single_label has one a row; correct the row, or say `task: multi_label`",
            )
        self.rows.append(_Row(table, number, split, identity, text, distinct, group.strip(), time))

    def _of_empty(self, empty: str | None) -> list[str]:
        """The labels of a row without any."""
        if empty is None:
            single = self.description.task == SINGLE_LABEL
            none = "" if single else "`empty: none` (none of the labels applies), "
            raise FaultError(
                "it has no label",
                f"label the row, or say in {self.where} what that means: {none}`empty: LABEL`, or "
                f"`empty: {EMPTY_IS_UNLABELLED}` (the row is left out)",
            )
        if empty == EMPTY_IS_UNLABELLED:
            raise _DroppedError("unlabelled")
        return [] if empty == EMPTY_IS_NONE else [empty]

    def _cell(self, table: Table, column: str, number: int, key: str) -> str:
        value = table.columns[column][number]
        if key == "text" and not isinstance(value, str | None):
            kind = type(value).__name__
            raise FaultError(
                f"column {column!r} holds {shown(value)} ({kind}), no text", "quote it"
            )
        text = as_text(value)
        if text is None:
            raise FaultError(
                f"column {column!r} holds {shown(value)}", f"{key} is a text or a number"
            )
        return text

    def reading(self) -> Reading:
        import pandas as pd

        names = self._names()
        order = {name: number for number, name in enumerate(names)}
        rows = [
            (
                row.id,
                row.text,
                sorted(row.labels, key=order.__getitem__),
                row.split,
                row.group,
                row.time,
                place(row.table.file, row.number + 1, row.table.line(row.number)),
            )
            for row in self.rows
        ]
        frame = pd.DataFrame(
            {
                column: pd.Series(values, dtype="object" if column == "labels" else "str")
                for column, values in zip(
                    FRAME, zip(*rows, strict=True) if rows else [[]] * len(FRAME), strict=True
                )
            }
        )
        return Reading(frame, names, self.problems, dict(self.dropped))

    def _names(self) -> list[str]:
        """The labels in order: as described, as the file declares them, or sorted."""
        described = self.description
        if described.names is not None:
            self._check(described.names)
            return list(described.names)
        if isinstance(described.labels, LabelColumns):
            names = list(described.labels.columns)
        elif self.class_names:
            names = list(self.class_names)
        else:
            names = sorted({name for row in self.rows for name in row.labels})
        if described.empty not in (None, EMPTY_IS_NONE, EMPTY_IS_UNLABELLED, *names):
            names.append(described.empty)
        self._check(names)
        return names

    def _check(self, names: Sequence[str]) -> None:
        """Add what is wrong with the labels, and with a corpus of which no row is left."""
        file = self.description.in_order[0]
        for name in names:
            if not is_plain(name):
                reason = f"label {shown(name)} is longer than 200 characters or holds one of |`<>[]"
                self.problems.append(Problem(file, None, None, reason, "rename it"))
        if not self.rows and not any(found.level == "error" for found in self.problems):
            left_out = ", ".join(self.dropped)
            reason = f"no row is left ({left_out})"
            self.problems.append(Problem(file, None, None, reason, "a corpus has rows"))
        if len(names) < 2 and self.rows:
            found = f"the one label {names[0]!r}" if names else "no label"
            self.problems.append(
                Problem(file, None, None, f"it has {found}", "a corpus has 2 labels or more")
            )
        word = self.description.empty
        if word in (EMPTY_IS_NONE, EMPTY_IS_UNLABELLED) and word in names:
            reason = f"{word!r} is a label, and what `empty` says"
            self.problems.append(Problem(file, None, None, reason, "rename the label"))


class _DroppedError(Exception):
    """Why a row is left out, as the description has it."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def _time(value: Any) -> str:
    """A point in time as text in UTC, all of one width; one without a zone counts as UTC."""
    remedy = "write it as 2026-11-28 or 2026-11-28T14:05:00+01:00 (ISO 8601)"
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise FaultError(f"time {shown(value)} is none", remedy) from None
    if not isinstance(value, datetime):
        raise FaultError(
            "it has no time" if value is None else f"time {shown(value)} is none", remedy
        )
    zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return zoned.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError:
        raise FaultError(f"time {shown(value)} is beyond the calendar", remedy) from None
