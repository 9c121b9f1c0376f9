"""Scoring a file: its columns stay, `labels` and a probability per label or group follow."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from emotion_slm.common.console import Advance, progress
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.scoring.chunks import Reader, Rejected
from emotion_slm.scoring.label_groups import LabelGroups, known_label_groups, strongest
from emotion_slm.scoring.plan import (
    Options,
    check_exists,
    check_options,
    make_plan,
    naming_file,
    open_planned,
)
from emotion_slm.scoring.resume import Done, PartialOutput
from emotion_slm.scoring.sources import once, open_source
from emotion_slm.scoring.stream_output import StreamOutput
from emotion_slm.scoring.writers import Writer, create_writer


class Scorer(Protocol):
    """What a model must offer: texts → (n, labels) probabilities, (labels,) thresholds for them,
    unless it gives one label a text, the labels, and how many of the texts it reads in part only.
    """

    labels: LabelSet
    thresholds: np.ndarray | None

    def probabilities(self, texts: Sequence[str]) -> np.ndarray: ...

    def truncated(self, texts: Sequence[str]) -> int: ...


class Summary(NamedTuple):
    """Where the scored rows went, how many rows were read, how many of them were rejected, and how
    many texts the scorer read in part only."""

    output: Path
    records: int
    rejected: int
    truncated: int


class Output(Protocol):
    """Takes what comes of each chunk: a `PartialOutput`, or a `StreamOutput`."""

    done: Done

    def append(
        self, records: int, content: bytes, rejected: list[Rejected], truncated: int
    ) -> None: ...

    def finish(self, writer: Writer) -> None: ...

    def left(self) -> str: ...


def score(
    source: Path,
    output: Path | None,
    scorer: Scorer,
    options: Options,
    model: str = "",
    resume: bool = False,
) -> Summary:
    """Score the texts of `source` into `output` (`formats.default_output` when None), in chunks.

    Either may be `formats.STANDARD` or another pipe, which is opened once. Rows that cannot
    be scored go to OUT.rejected.jsonl, with a pipe as output to standard error. OUT appears when it
    is complete; until then OUT.part holds what is done, and `resume` goes on from there. `model`
    identifies the scorer: a run is resumed with the same only. EmotionSlmError names the file and
    what is wrong with it.
    """
    check_options(options)
    with naming_file(source), ExitStack() as stack:
        check_exists(source)
        opened = stack.enter_context(open_source(source))
        plan = make_plan(source, output, options, scorer.labels, resume, opened)
        identity, lines = None, None
        if not once(source):
            digest, lines = _examine(source)
            formats = {"format": plan.writing, "input_format": plan.reading}
            settings = {**options._asdict(), **formats}
            identity = {"input": digest, "options": settings, "model": model}
        reader = open_planned(opened, options, plan)
        writer = create_writer(source, plan.writing, reader, plan.groups.names)
        result = stack.enter_context(
            StreamOutput(plan.output)
            if plan.streamed
            else PartialOutput(plan.output, identity, resume)
        )
        if not result.done.complete:
            total = reader.rows or (lines if opened.direct else None)
            advance = stack.enter_context(_speed(source, total))
            try:
                score_chunks(reader, writer, scorer, options, result, advance)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(result.left()) from None
            if not result.done.records:
                raise EmotionSlmError(f"{source}: no rows to score")
        result.finish(writer)
    done = result.done
    return Summary(plan.output, done.records, done.rejected, done.truncated)


def score_chunks(
    reader: Reader,
    writer: Writer,
    scorer: Scorer,
    options: Options,
    result: Output,
    advance: Advance,
) -> None:
    """Score what `result` has not got yet; the chunks it has are read and passed over."""
    before, read = result.done.records, 0
    for chunk in reader.chunks():
        read += chunk.records
        if read <= before:
            advance(chunk.line)
            continue
        if read - chunk.records < before:
            raise EmotionSlmError(
                f"{result.left()}, but no chunk of the input ends there; start again"
            )
        content = b"" if result.done.records else writer.header()
        if chunk.texts:
            _, found, shown = find(chunk.texts, scorer, options)
            content += writer.encode(chunk.rows, [list(labels) for labels in found], shown)
        truncated = scorer.truncated(chunk.texts)
        result.append(chunk.records, content, chunk.rejected, truncated)
        advance(chunk.line, chunk.records)


def find(
    texts: Sequence[str], scorer: Scorer, options: Options
) -> tuple[LabelGroups, list[dict[str, float]], np.ndarray]:
    """The groups that `options` name, those found in each text, and all (n, m) probabilities."""
    groups = known_label_groups(options.labels, scorer.labels)
    scores = scorer.probabilities(texts)  # (n, labels)
    shown = groups.probabilities(scores)
    reached = groups.reached(scores, scorer.thresholds, options.threshold)
    return groups, strongest(groups.names, shown, reached, options.top_k), shown


def _examine(source: Path) -> tuple[str, int]:
    """SHA-256 and number of lines of a file, in one reading."""
    digest, lines = hashlib.sha256(), 0
    with source.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
    return digest.hexdigest(), lines


@contextmanager
def _speed(source: Path, lines: int | None) -> Iterator[Any]:
    """A bar over the lines of a file; the yielded function takes the line reached and the rows
    scored on the way there."""
    started, reached, rows = time.monotonic(), 0, 0
    with progress(f"scoring {source.name}", lines) as advance:

        def move(line: int, scored: int = 0) -> None:
            nonlocal reached, rows
            rows += scored
            rate = rows / max(time.monotonic() - started, 1e-9)
            advance(line - reached, f"{rate:,.0f} rows/s" if rows else "")
            reached = line

        yield move
