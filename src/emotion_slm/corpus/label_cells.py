"""The labels of a row, out of the cells that hold them in each of the layouts of a description."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from emotion_slm.common.errors import did_you_mean
from emotion_slm.common.params import shown
from emotion_slm.corpus.description import Description, LabelColumn, LabelColumns
from emotion_slm.corpus.tables import Table

CROSS = "x"
TRUE, FALSE = {"1", "1.0", "true", "yes", "y", CROSS}, {"0", "0.0", "false", "no", "n"}
NO_CLASS = -1  # the number that `datasets` writes where a ClassLabel has no label

Parser = Callable[[int], list[str]]


class FaultError(Exception):
    """Why a row cannot be used, and what to do about it."""

    def __init__(self, reason: str, remedy: str):
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def columns_of(labels: LabelColumn | LabelColumns) -> list[str]:
    """The columns that hold labels."""
    return labels.columns if isinstance(labels, LabelColumns) else [labels.column]


def parser(table: Table, description: Description, where: Path) -> Parser:
    """What returns the labels of a row by its number, from 0: names, perhaps none, perhaps twice.

    It raises FaultError for a cell that it cannot read, and for a label that `description`, the
    content of `where`, does not name.
    """
    labels, names = description.labels, description.names
    if isinstance(labels, LabelColumns):
        return _one_hot(table, labels.columns)
    values = table.columns[labels.column]
    classes = names or [] if labels.positions else table.class_names.get(labels.column, [])
    cell = _cell_reader(values, labels)

    def parse(number: int) -> list[str]:
        parts = [part for part in cell(values[number]) if part not in (None, "")]
        found = [name for part in parts if (name := _name(part, classes, labels.positions))]
        for name in found:
            if names is not None and name not in names:
                raise FaultError(
                    f"unknown label {shown(name)}{did_you_mean(name, names)}",
                    f"correct the row, or add it to `names` in {where}",
                )
        return found

    return parse


def _cell_reader(values: Sequence[Any], labels: LabelColumn) -> Callable[[Any], list]:
    """What makes a list of a cell: by the layout, or as most of `values` are where it is open."""
    if labels.as_json:
        return lambda value: value if isinstance(value, list) else _from_json(value)
    if labels.separator is not None:
        return lambda value: _parted(value, labels.separator)
    lists = Counter(isinstance(value, list) for value in values if value not in (None, ""))
    return _listed if lists[True] >= lists[False] and lists[True] else _alone


def _from_json(value: Any) -> list:
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    try:
        found = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise FaultError(
            f"labels {shown(value)} are no list in JSON", 'write such as ["anger", "joy"]'
        )
    return found


def _parted(value: Any, separator: str) -> list:
    if isinstance(value, list):
        raise FaultError(
            f"labels are the list {shown(value)}, no text", "leave out `labels.separator`"
        )
    return [part.strip() for part in value.split(separator)] if isinstance(value, str) else [value]


def _listed(value: Any) -> list:
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        reason = f"labels are {shown(value)}, in other rows a list"
        raise FaultError(reason, "write a list in each row")
    return value


def _alone(value: Any) -> list:
    if isinstance(value, list):
        reason = f"labels are the list {shown(value)}, in other rows one text"
        raise FaultError(reason, "write a list in each row")
    return [value.strip() if isinstance(value, str) else value]


def _name(value: Any, classes: Sequence[str], positions: bool) -> str:
    """The name of a label: of a number the one of `classes` it stands for, where there are any.

    Empty where `datasets` wrote that there is none.
    """
    if positions and isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if classes and isinstance(value, int) and not isinstance(value, bool):
        if value == NO_CLASS and not positions:
            return ""
        if not 0 <= value < len(classes):
            raise FaultError(
                f"label {value} is none of {len(classes)} places",
                f"numbers go from 0 to {len(classes) - 1}",
            )
        return classes[value]
    name = as_text(value)
    if name is None or isinstance(value, bool) or positions:
        what = "place" if positions else "name"
        raise FaultError(f"label {shown(value)} is no {what}", f"write its {what}")
    return name.strip()


def _one_hot(table: Table, columns: Sequence[str]) -> Parser:
    """Of a column for each label. Where cells are crosses or empty throughout, as in a list that
    people tick, the empty ones say that the label is not there."""
    marks = {column: [_mark(value) for value in table.columns[column]] for column in columns}
    ticked = set().union(*marks.values()) <= {CROSS, ""}

    def parse(number: int) -> list[str]:
        row = {column: marks[column][number] for column in columns}
        if ticked or not any(row.values()):
            return [column for column, mark in row.items() if mark]
        for column, mark in row.items():
            if mark not in TRUE | FALSE:
                found = shown(table.columns[column][number])
                what = f"holds {found}" if mark else "is empty, where others of the row are not"
                raise FaultError(f"column {column!r} {what}", "write 0 or 1 (or no, yes)")
        return [column for column, mark in row.items() if mark in TRUE]

    return parse


def _mark(value: Any) -> str:
    text = as_text(value)
    return (str(value) if text is None else text).strip().lower()


def as_text(value: Any) -> str | None:
    """A cell as text, an empty one for no value; None for what has no such form (a list)."""
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value) if isinstance(value, str | int | date) else None
