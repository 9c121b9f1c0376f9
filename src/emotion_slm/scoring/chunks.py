"""Rows of a file on their way to the model, some hundreds at a time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from emotion_slm.common.errors import EmotionSlmError, did_you_mean

# They bound memory, and what an interrupted run has to score again.
CHUNK_ROWS = 2048
CHUNK_CHARACTERS = 4_000_000
REASON_CHARACTERS = 500  # a reason may quote a value of any length


class Row(NamedTuple):
    """A row that can be scored: its last line (of Parquet: its number), its text, its fields, and
    about how many characters all of these have."""

    line: int
    text: str
    fields: Any
    size: int


class Rejected(NamedTuple):
    """A row that cannot: the line it begins on (of Parquet: its number), and why."""

    line: int
    reason: str


class Chunk(NamedTuple):
    """`records` rows read, up to and with `line`: those to score, and those rejected.

    `rows` has the fields of what `texts` came from: lists (of CSV, TSV and plain lines), dicts
    (of JSONL) or one pyarrow.RecordBatch (of Parquet).
    """

    records: int
    line: int
    texts: list[str]
    rows: Any
    rejected: list[Rejected]


class Reader(Protocol):
    """A file under way: its columns, its rows in chunks, and their number where that is known."""

    columns: list[str]
    rows: int | None

    def chunks(self) -> Iterator[Chunk]: ...


def cut(records: Iterable[Row | Rejected]) -> Iterator[Chunk]:
    """Chunks of at most CHUNK_ROWS records, and of not much more than CHUNK_CHARACTERS.

    The cuts follow from the records alone: a run that is taken up again makes the same ones.
    """
    held: list[Row | Rejected] = []
    characters = 0
    for record in records:
        held.append(record)
        characters += record.size if isinstance(record, Row) else len(record.reason)
        if len(held) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield _chunk(held)
            held, characters = [], 0
    if held:
        yield _chunk(held)


def _chunk(records: list[Row | Rejected]) -> Chunk:
    good = [record for record in records if isinstance(record, Row)]
    return Chunk(
        records=len(records),
        line=records[-1].line,
        texts=[row.text for row in good],
        rows=[row.fields for row in good],
        rejected=[record for record in records if isinstance(record, Rejected)],
    )


def rejection(line: int, reason: str) -> Rejected:
    """A rejected row, its reason no longer than people read."""
    short = reason if len(reason) <= REASON_CHARACTERS else reason[:REASON_CHARACTERS] + " …"
    return Rejected(line, short)


def json_lines(rejected: Iterable[Rejected]) -> bytes:
    """The content of OUT.rejected.jsonl."""
    return b"".join(json.dumps(record._asdict()).encode() + b"\n" for record in rejected)


def check_columns(
    source: Path, columns: Sequence[str], text_column: str, results: Sequence[str]
) -> None:
    """EmotionSlmError unless `text_column` is there, once, and no column of the `results` is."""
    if text_column not in columns:
        raise EmotionSlmError(
            f"{source}: no column {text_column!r}{did_you_mean(text_column, columns)}; "
            "name it with --text-column"
        )
    if list(columns).count(text_column) > 1:
        raise EmotionSlmError(f"{source}: two columns are called {text_column!r}; rename one")
    taken = [name for name in results if name in columns]
    if taken:
        raise EmotionSlmError(
            f"{source}: column {taken[0]!r} would be overwritten by a result; rename it"
        )
