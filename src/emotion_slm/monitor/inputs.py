"""Scored files as arrays: which period and group each text is of, and its probabilities."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common.console import progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.monitor.drift import TextCounts
from emotion_slm.monitor.fields import column_values, probability_rows
from emotion_slm.monitor.periods import begin, read_time
from emotion_slm.monitor.settings import ALL_TEXTS, Settings
from emotion_slm.scoring.chunks import Chunk, Reader
from emotion_slm.scoring.delimited import CsvReader
from emotion_slm.scoring.formats import (
    Format,
    encodable,
    input_format,
)
from emotion_slm.scoring.parquet import ParquetReader
from emotion_slm.scoring.plan import naming_file
from emotion_slm.scoring.readers import open_reader
from emotion_slm.scoring.sources import open_source

MOST_GROUPS = 50
MOST_CELLS = 20_000


class Cell(NamedTuple):
    """The texts of one group in one period, by the period's first moment."""

    period: datetime
    group: str


class Unread(NamedTuple):
    """A row that was left out: its file, the row's number there from 1 on, and why.

    A row that cannot be read goes by the line on which it begins, in Parquet by its number.
    """

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


def is_scored(path: Path, settings: Settings, labels: Sequence[str]) -> bool:
    """Whether the file has a column for each label.

    EmotionSlmError when it has some of them, or lacks a column that the settings name, or has two
    of its name.
    """
    columns = columns_of(path, settings)
    for option, name in (("--time", settings.time), ("--by", settings.by),
                         ("--cluster", settings.cluster)):  # fmt: skip
        if name is not None and name not in columns:
            hint = did_you_mean(name, columns)
            raise EmotionSlmError(f"{path}: no column {name!r}{hint}; name it with {option}")
        if name is not None and columns.count(name) > 1:
            raise EmotionSlmError(f"{path}: two columns are called {name!r}; rename one")
    if twice := [label for label in labels if columns.count(label) > 1]:
        raise EmotionSlmError(f"{path}: two columns are called {twice[0]!r}; rename one")
    lacking = [label for label in labels if label not in columns]
    if lacking and len(lacking) < len(labels):
        raise EmotionSlmError(
            f"{path}: no column {lacking[0]!r}, though it has some of the model's labels; score it "
            "again by the same model with `emotion-slm predict --labels all`"
        )
    return not lacking


def columns_of(path: Path, settings: Settings) -> list[str]:
    """The names of a file's columns."""
    with naming_file(path), open_source(path) as source:
        return list(_reader(source, settings).columns)


def _reader(source, settings: Settings) -> Reader:
    form = input_format(source.path, None)
    if form is Format.LINES:
        raise EmotionSlmError(f"{source.path}: plain lines have no times; give csv, jsonl, parquet")
    try:
        return open_reader(source, form, settings.text, ())
    except EmotionSlmError as error:  # the option has another name here
        raise EmotionSlmError(str(error).replace("--text-column", "--text")) from error


def read_scored(files: Sequence[Path], settings: Settings, labels: Sequence[str]) -> Scored:
    """The rows of all `files`; EmotionSlmError when none can be used, or cells are too many."""
    places: dict[Cell, int] = {}
    names: dict[str | int, int] = {}
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
            # Texts without an author are of many, so each is a cluster of its own.
            clusters = [names.setdefault(one or len(names), len(names)) for one in part.clusters]
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
        with (
            naming_file(path),
            open_source(path) as source,
            progress(f"reading {path.name}", None),
        ):
            reader = _reader(source, settings)
            parquet = isinstance(reader, ParquetReader)
            before, line = 0, 1 if isinstance(reader, CsvReader) else 0
            for chunk in reader.chunks():
                numbers = _numbers_of_rows(chunk, before, line)
                part = _usable(
                    path, numbers, chunk, reader.columns, settings, labels, unread, other
                )
                if part:
                    yield part
                # Damaged rows of Parquet are one record.
                before, line = chunk.line if parquet else before + chunk.records, chunk.line


def _numbers_of_rows(chunk: Chunk, before: int, line: int) -> list[int]:
    """The numbers that rows with a text have in their file.

    `before`, `line`: the rows and lines before the chunk. Among rows of several lines, rejected
    ones are taken for the chunk's first.
    """
    rejected = {one.line - line for one in chunk.rejected}
    if chunk.line - line != chunk.records:
        rejected = set(range(1, 1 + len(chunk.rejected)))
    return [before + place for place in range(1, chunk.records + 1) if place not in rejected]


def _usable(path, numbers, chunk: Chunk, columns, settings, labels, unread, other) -> Part | None:
    unread += [Unread(str(path), one.line, one.reason) for one in chunk.rejected]
    if not chunk.texts:
        return None
    fields = _fields(chunk, columns, settings)
    probabilities = probability_rows(chunk, columns, labels)
    sound = ((probabilities >= 0) & (probabilities <= 1)).all(axis=1)
    times, rows = [], []
    for row, value in enumerate(fields[settings.time]):
        try:
            time = read_time(value, settings.zone, settings.latest)
        except ValueError as error:
            unread.append(Unread(str(path), numbers[row], f"{settings.time}: {error}"))
            continue
        if not sound[row]:
            reason = "a label's column holds no probability; score the file again"
            unread.append(Unread(str(path), numbers[row], reason))
            continue
        times.append(time)
        rows.append(row)
    if not times:
        return None
    others = column_values(chunk, columns, other) if other else []
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
    return ["" if values[row] is None else encodable(str(values[row])) for row in rows]


def _fields(chunk: Chunk, columns: Sequence[str], settings: Settings) -> dict[str, list]:
    """The columns that the settings name, one value per text."""
    wanted = [name for name in (settings.time, settings.by, settings.cluster) if name]
    return {name: column_values(chunk, columns, name) for name in dict.fromkeys(wanted)}


def rejected_rows(source: Path, scored: Path) -> list[Unread]:
    """The rows of `source` that could not be scored, as the file beside `scored` lists them."""
    with Path(f"{scored}.rejected.jsonl").open(encoding="utf-8") as stream:
        found = map(json.loads, stream)
        return [Unread(str(source), one["line"], one["reason"]) for one in found]


def json_lines(unread: Sequence[Unread]) -> bytes:
    """The content of unread.jsonl."""
    return b"".join(json.dumps(one._asdict()).encode() + b"\n" for one in unread)
