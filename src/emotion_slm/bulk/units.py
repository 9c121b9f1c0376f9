"""The unit of work: a row group of Parquet, or a range of rows of another file."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from emotion_slm.scoring import chunks
from emotion_slm.scoring.formats import Format
from emotion_slm.scoring.plan import Options

# Another number whenever rows are read, cut into units and chunks or written in another way.
UNIT_FORMAT = 1
# Of a unit that is no row group: some tens of seconds of work for a core.
UNIT_ROWS = 16_384
NAME_CHARACTERS = 32  # of a SHA-256: half of it


class Job(NamedTuple):
    """What all units of a run have in common.

    `results` are the columns that join those of the input: `labels` and the probabilities. `model`
    is a folder on every worker's machine, `digest` the SHA-256 of its config, which holds the
    hashes of its other files, the thresholds among them. `run` names the scratch folder.
    """

    output: str
    options: Options
    reading: Format
    writing: Format
    results: tuple[str, ...]
    model: str
    digest: str
    device: str | None
    run: str

    def identity(self) -> dict[str, Any]:
        """What two runs must share for one to take the outputs of the other."""
        return {
            "options": {**self.options._asdict(), "format": self.writing, "input": self.reading},
            "model": self.digest,
            "device": self.device or "cpu",
            "version": _version(),
            "unit_format": UNIT_FORMAT,
            "chunks": [chunks.CHUNK_ROWS, chunks.CHUNK_CHARACTERS],
        }


@cache  # the lookup takes milliseconds, and files may be many
def _version() -> str:
    return version("emotion-slm")


class Input(NamedTuple):
    """A file as it was when it was looked at.

    `content` identifies what it holds: its SHA-256, or its store's ETag and its size; `stamp` tells
    at no cost whether that may have changed since (`storage.stamp`). `layout` names its columns, in
    Parquet with their types; JSONL and plain lines have none. Where ranges are cut out of it, each
    follows upon `head`, the bytes that name the columns, of `head_lines` lines.
    """

    uri: str
    content: str
    stamp: str
    layout: str
    head: bytes = b""
    head_lines: int = 0


class Range(NamedTuple):
    """Of Parquet the row groups, of other files the bytes from `start` to `stop`; all, if None.

    `line`: of the first row, in Parquet its number. `rows`: how many there are, if that is known.
    """

    start: int
    stop: int | None
    line: int
    rows: int | None


class Unit(NamedTuple):
    """Some rows of one file, and the name that their output has, whoever scores them."""

    input: Input
    range: Range
    name: str


class Plan(NamedTuple):
    """A file and the ranges that its units are."""

    input: Input
    ranges: list[Range]


def units_of(plan: Plan, job: Job) -> list[Unit]:
    """Of each range a unit, named by a hash of the input's name and content, the range, the model,
    the options and the version."""
    source = {**job.identity(), "uri": plan.input.uri, "content": plan.input.content}
    return [
        Unit(plan.input, part, _name({**source, "range": [part.start, part.stop]}))
        for part in plan.ranges
    ]


def _name(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_CHARACTERS]


def in_shard(units: list[Unit], shard: tuple[int, int]) -> list[Unit]:
    """Every N-th unit, from the K-th on: shards differ by one unit at most."""
    number, count = shard
    return units[number::count]
