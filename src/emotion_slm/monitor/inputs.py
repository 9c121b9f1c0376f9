"""Scored files as arrays: which period and group each text is of, and its probabilities."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emotion_slm.common.console import progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.monitor.drift import TextCounts
from emotion_slm.monitor.periods import begin, read_time
from emotion_slm.monitor.settings import ALL_TEXTS, Settings
from emotion_slm.scoring.chunks import Chunk, Reader
from emotion_slm.scoring.formats import COMPRESSED, SUFFIXES, Format, input_format
from emotion_slm.scoring.readers import open_reader
from emotion_slm.scoring.sources import open_source

MOST_GROUPS = 50
MOST_CELLS = 20_000


class Cell(NamedTuple):
    """The texts of one group in one period, by the period's first moment."""

    period: datetime
    group: str


class Unread(NamedTuple):
    """A row that was left out: its file, the row's number there from 1 on, and why."""

    file: str
    row: int
    reason: str


class Part(NamedTuple):
    """Rows of a file that can be used; `probabilities`: (rows, labels) float32; `others`: what
    they hold in a column that was asked for."""

    times: list[datetime]
    groups: list[str]
    clusters: list[str]
    texts: list[str]
    probabilities: np.ndarray
    others: list


class Scored(NamedTuple):
    """All rows, grouped: (n,) places in `cells`, (n, labels) float32 probabilities, (n,) clusters
    or None, the texts counted by cell, and the rows left out."""

    cells: list[Cell]
    place: np.ndarray
    probabilities: np.ndarray
    clusters: np.ndarray | None
    texts: TextCounts
    unread: list[Unread]


def files_of(inputs: Sequence[Path]) -> list[Path]:
    """The files named, and those in folders named; EmotionSlmError where there is none."""
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file() and _known(one))
            if not inside:
                raise EmotionSlmError(f"{path}: holds no file of {', '.join(sorted(SUFFIXES))}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise EmotionSlmError(f"{path}: no such file or folder")
    return found


def _known(path: Path) -> bool:
    packed = path.suffix.lower() in COMPRESSED
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    return suffix in SUFFIXES and not path.name.endswith(".rejected.jsonl")


def is_scored(path: Path, settings: Settings, labels: Sequence[str]) -> bool:
    """Whether the file has a column for each label.

    EmotionSlmError when it has some of them, or lacks a column that the settings name.
    """
    columns = columns_of(path, settings)
    for option, name in (("--time", settings.time), ("--by", settings.by),
                         ("--cluster", settings.cluster)):  # fmt: skip
        if name is not None and name not in columns:
            hint = did_you_mean(name, columns)
            raise EmotionSlmError(f"{path}: no column {name!r}{hint}; name it with {option}")
    lacking = [label for label in labels if label not in columns]
    if lacking and len(lacking) < len(labels):
        raise EmotionSlmError(
            f"{path}: no column {lacking[0]!r}, though it has some of the model's labels; score it "
            "again by the same model with `emotion-slm predict --labels all`"
        )
    return not lacking


def columns_of(path: Path, settings: Settings) -> list[str]:
    """The names of a file's columns."""
    with open_source(path) as source:
        return list(_reader(source, settings).columns)


def _reader(source, settings: Settings) -> Reader:
    form = input_format(source.path, None)
    if form is Format.LINES:
        raise EmotionSlmError(f"{source.path}: plain lines have no times; give csv, jsonl, parquet")
    return open_reader(source, form, settings.text, ())


def read_scored(files: Sequence[Path], settings: Settings, labels: Sequence[str]) -> Scored:
    """The rows of all `files`; EmotionSlmError when none can be used, or cells are too many."""
    places: dict[Cell, int] = {}
    names: dict[str, int] = {}
    counts, unread = TextCounts(), []
    of_cell: list[np.ndarray] = []
    of_cluster: list[np.ndarray] = []
    probabilities: list[np.ndarray] = []
    for part in read_parts(files, settings, labels, unread):
        periods = [begin(time, settings.every) for time in part.times]
        found = [places.setdefault(Cell(*key), len(places))
                 for key in zip(periods, part.groups, strict=True)]  # fmt: skip
        _check_sizes(places, settings)
        counts.add(found, part.texts)
        of_cell.append(np.array(found, dtype=np.int32))
        probabilities.append(part.probabilities)
        if settings.cluster:
            clusters = [names.setdefault(one, len(names)) for one in part.clusters]
            of_cluster.append(np.array(clusters, dtype=np.int32))
    if not of_cell:
        first = unread[0] if unread else Unread(str(files[0]), 1, "holds no rows")
        raise EmotionSlmError(f"{first.file}: no row can be used; row {first.row}: {first.reason}")
    return Scored(
        list(places),
        np.concatenate(of_cell),
        np.concatenate(probabilities),
        np.concatenate(of_cluster) if settings.cluster else None,
        counts,
        unread,
    )


def _check_sizes(places: dict[Cell, int], settings: Settings) -> None:
    if len(places) > MOST_CELLS:
        raise EmotionSlmError(
            f"more than {MOST_CELLS:,} periods and groups; take longer periods with --every"
        )
    groups = {cell.group for cell in places}
    if len(groups) > MOST_GROUPS:
        raise EmotionSlmError(
            f"column {settings.by!r} has more than {MOST_GROUPS} values; --by takes one that sorts "
            "texts into few groups"
        )


def read_parts(
    files: Sequence[Path],
    settings: Settings,
    labels: Sequence[str],
    unread: list[Unread],
    other: str | None = None,
) -> Iterator[Part]:
    """The usable rows of `files`, some thousands at a time; the rest joins `unread`.

    `other`: one more column that is wanted, which every file has.
    """
    for path in files:
        before = 0
        with open_source(path) as source, progress(f"reading {path.name}", None):
            reader = _reader(source, settings)
            for chunk in reader.chunks():
                part = _usable(path, before, chunk, reader.columns, settings, labels, unread, other)
                if part:
                    yield part
                before += chunk.records


def _usable(path, before, chunk: Chunk, columns, settings, labels, unread, other) -> Part | None:
    unread += [Unread(str(path), before + 1 + place, one.reason)
               for place, one in enumerate(chunk.rejected)]  # fmt: skip
    if not chunk.texts:
        return None
    before += len(chunk.rejected)
    fields = _fields(chunk, columns, settings)
    probabilities = _probabilities(chunk, columns, labels)
    sound = ((probabilities >= 0) & (probabilities <= 1)).all(axis=1)
    times, rows = [], []
    for row, value in enumerate(fields[settings.time]):
        try:
            time = read_time(value, settings.zone, settings.latest)
        except ValueError as error:
            unread.append(Unread(str(path), before + row + 1, f"{settings.time}: {error}"))
            continue
        if not sound[row]:
            reason = "a label's column holds no probability; score the file again"
            unread.append(Unread(str(path), before + row + 1, reason))
            continue
        times.append(time)
        rows.append(row)
    if not times:
        return None
    others = _column(chunk, columns, other) if other else []
    return Part(
        times,
        _names(fields, settings.by, rows) if settings.by else [ALL_TEXTS] * len(rows),
        _names(fields, settings.cluster, rows) if settings.cluster else [],
        [chunk.texts[row] for row in rows],
        probabilities[rows],
        [others[row] for row in rows] if other else [],
    )


def _names(fields: dict[str, list], column: str, rows: list[int]) -> list[str]:
    values = fields[column]
    return ["" if values[row] is None else str(values[row]) for row in rows]


def _fields(chunk: Chunk, columns: Sequence[str], settings: Settings) -> dict[str, list]:
    """The columns that the settings name, one value per text."""
    wanted = [name for name in (settings.time, settings.by, settings.cluster) if name]
    return {name: _column(chunk, columns, name) for name in dict.fromkeys(wanted)}


def _column(chunk: Chunk, columns: Sequence[str], name: str) -> list:
    if not isinstance(chunk.rows, list):
        return chunk.rows.column(chunk.rows.schema.get_field_index(name)).to_pylist()
    if isinstance(chunk.rows[0], dict):
        return [row.get(name) for row in chunk.rows]
    place = list(columns).index(name)
    return [row[place] for row in chunk.rows]


def _probabilities(chunk: Chunk, columns: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """(texts, labels) float32, NaN where a field is no number."""
    if isinstance(chunk.rows, list):
        parts = [_numbers(_column(chunk, columns, label)) for label in labels]
    else:
        parts = [_floats(chunk.rows.column(label)) for label in labels]
    return np.stack(parts, axis=1)


def _floats(column) -> np.ndarray:
    """A column of Parquet, which holds numbers as such."""
    if str(column.type) in ("float", "double", "halffloat"):
        return column.to_numpy(zero_copy_only=False).astype(np.float32)
    return _numbers(column.to_pylist())


def _numbers(values: list) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float32)
    except (ValueError, TypeError):
        return np.array([_number(value) for value in values], dtype=np.float32)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError):
        return float("nan")


def json_lines(unread: Sequence[Unread]) -> bytes:
    """The content of unread.jsonl."""
    return b"".join(json.dumps(one._asdict()).encode() + b"\n" for one in unread)
