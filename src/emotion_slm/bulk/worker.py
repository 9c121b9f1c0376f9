"""What a process does that scores: look at a file, score a unit, count one again."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pyarrow as pa

from emotion_slm.bulk.layout import (
    Record,
    cache_plan,
    cached_plan,
    part_name,
    read_record,
    rejected_name,
    write_record,
)
from emotion_slm.bulk.sources import open_output, open_unit, plan_file
from emotion_slm.bulk.storage import SCRATCH, Place, locate, naming, put, stamp
from emotion_slm.bulk.units import Job, Plan, Unit
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file
from emotion_slm.common.threads import VARIABLES
from emotion_slm.package.config import CONFIG
from emotion_slm.scoring.chunks import Rejected, json_lines
from emotion_slm.scoring.formats import Format
from emotion_slm.scoring.resume import Done
from emotion_slm.scoring.run import score_chunks
from emotion_slm.scoring.writers import Writer, create_writer

TORCH = "PyTorch"


class Failure(NamedTuple):
    """Why something was not done; it names the file."""

    reason: str


class Worker:
    """One process, one thread; the model is loaded once, when the first unit comes."""

    def __init__(self, job: Job):
        self.job = job
        self.out = locate(job.output)
        self.classifier = None
        _use_one_thread()

    def do(self, task: str, item: Any) -> Any:
        """What the method `task` makes of `item`, or a Failure: one item never ends the others."""
        try:
            return getattr(self, task)(item)
        except EmotionSlmError as error:
            return Failure(str(error))
        except Exception as error:
            return Failure(f"{name_of(item)}: {type(error).__name__}: {error}")

    def here(self) -> None:
        """Answers when the worker does."""

    def load(self, _: None) -> str:
        """Load the model, if it is not loaded yet; what computes its scores.

        EmotionSlmError when it is not the one that the run was begun with.
        """
        from emotion_slm.scoring.classifier import EmotionClassifier

        if self.classifier is None:
            found = sha256_file(Path(self.job.model) / CONFIG)
            if found != self.job.digest:
                raise EmotionSlmError(
                    f"{self.job.model}: another model than the run was begun with; give all "
                    "machines the same"
                )
            self.classifier = EmotionClassifier.from_pretrained(self.job.model, self.job.device)
            if torch := sys.modules.get("torch"):
                torch.set_num_threads(1)
        return self.classifier.package.onnx or TORCH

    def plan(self, uri: str) -> Plan:
        """How a file is cut; looked at again only if it may have changed."""
        known = cached_plan(self.out, uri, self.job)
        if known is not None and known.input.stamp == stamp(locate(uri))[0]:
            return known
        plan = plan_file(uri, self.job)
        cache_plan(self.out, plan, self.job)
        return plan

    def plan_anew(self, uri: str) -> Plan:
        """How a file is cut, whatever is known of it; what was known wrongly is put right."""
        plan, known = plan_file(uri, self.job), cached_plan(self.out, uri, self.job)
        if known is not None and known != plan:
            cache_plan(self.out, plan, self.job)
        return plan

    def score(self, unit: Unit) -> Record:
        """Score a unit: what was rejected is written first, then its output, its record last."""
        self.load(None)
        uri = unit.input.uri
        with _scratch(self.out, self.job) as folder:
            output = UnitOutput(folder, self.out)
            with naming(uri), open_unit(unit, self.job) as reader:
                check_unchanged(unit)
                writer = create_writer(uri, self.job.writing, reader, self.job.results[1:])
                options = self.job.options
                score_chunks(reader, writer, self.classifier, options, output, _silent)
                check_unchanged(unit)
            output.finish(writer)
            record = _record(unit, output, self.job)
            if output.done.rejected:
                put(output.rejected, self.out / rejected_name(unit.name))
            put(output.result, self.out / part_name(unit.name, self.job))
            write_record(self.out, record)
        return record

    def recount(self, unit: Unit) -> Record:
        """The record of a unit, held against its output and rejected rows, which are read whole.

        EmotionSlmError for what does not agree.
        """
        record = read_record(self.out, unit.name)
        part = self.out / part_name(unit.name, self.job)
        again = "delete it and run again"
        with naming(part.uri), part.filesystem.open_input_stream(part.path) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != record.sha256:
            raise EmotionSlmError(f"{part.uri}: does not hold what was written to it; {again}")
        scored = count_rows(part, self.job) if record.scored else 0
        listed = 0
        if record.rejected:
            place = self.out / rejected_name(unit.name)
            with naming(place.uri), place.filesystem.open_input_stream(place.path) as stream:
                listed = stream.read().count(b"\n")
        # Of Parquet one entry stands for all rows that a damaged page takes with it.
        lost = self.job.reading is Format.PARQUET and listed >= 1
        entries = lost or listed == record.rejected
        if scored != record.scored or not entries or record.rows != scored + record.rejected:
            raise EmotionSlmError(
                f"{part.uri}: {scored:,} rows and {listed:,} rejected, expected {record.scored:,} "
                f"and {record.rejected:,}; {again}"
            )
        if unit.range.rows not in (None, record.rows):
            raise EmotionSlmError(
                f"{part.uri}: of {record.rows:,} rows, while the input has {unit.range.rows:,} "
                f"there; {again}"
            )
        return record


class UnitOutput:
    """The output of a unit under way, in a scratch folder; as `scoring.run.Output`."""

    def __init__(self, folder: Path, out: Place):
        self.part, self.result = folder / "part", folder / "result"
        self.rejected = folder / "rejected"
        self.out = out
        self.done = Done()
        with naming(out.uri):
            self.part.touch()

    def append(
        self, records: int, content: bytes, rejected: Sequence[Rejected], truncated: int
    ) -> None:
        for path, piece in ((self.part, content), (self.rejected, json_lines(rejected))):
            if piece:
                with naming(self.out.uri), path.open("ab") as stream:
                    stream.write(piece)
        self.done = self.done.after(records, len(rejected), truncated)

    def finish(self, writer: Writer) -> None:
        if not self.done.records:
            self.append(0, writer.header(), [], 0)
        with naming(self.out.uri):
            writer.finish(self.part, self.result)

    def left(self) -> str:
        return "a unit is not taken up amid its rows"


def name_of(item: Any) -> str:
    """How people call a file or a unit."""
    if not isinstance(item, Unit):
        return str(item)
    rows = "" if item.range.rows is None else f", {item.range.rows:,} rows"
    return f"{item.input.uri} (from line {item.range.line:,}{rows})"


def check_unchanged(unit: Unit) -> None:
    if stamp(locate(unit.input.uri))[0] != unit.input.stamp:
        raise EmotionSlmError(f"{unit.input.uri}: changed since the run began; run it again")


def count_rows(part: Place, job: Job) -> int:
    """How many rows an output has; it is read to its end."""
    with open_output(part, job) as reader:
        return sum(chunk.records for chunk in reader.chunks())


def _record(unit: Unit, output: UnitOutput, job: Job) -> Record:
    done, expected = output.done, unit.range.rows
    scored = done.records - done.rejected
    if expected is None:
        rows = done.records
    elif job.reading is Format.PARQUET:
        rows = expected  # a damaged page takes more rows with it than the entry that says so
    elif expected == done.records:
        rows = expected
    else:
        raise EmotionSlmError(
            f"{name_of(unit)}: has {done.records:,} rows now; it changed while it was read"
        )
    return Record(
        name=unit.name,
        input=unit.input.uri,
        start=unit.range.start,
        stop=unit.range.stop,
        rows=rows,
        scored=scored,
        rejected=rows - scored,
        truncated=done.truncated,
        bytes=output.result.stat().st_size,
        sha256=sha256_file(output.result),
    )


def scratch_of(out: Place, job: Job) -> Path:
    """Where files of this run are under way: on the output's file system, if that can rename."""
    if out.local:
        return Path(out.path) / f"{SCRATCH}{job.run}"
    return Path(tempfile.gettempdir()) / f"emotion-slm-{job.run}"


@contextmanager
def _scratch(out: Place, job: Job) -> Iterator[Path]:
    folder = scratch_of(out, job) / uuid4().hex
    with naming(out.uri):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _silent(amount: float, note: str = "") -> None:
    """Progress is told by units."""


def _use_one_thread() -> None:
    """Of what is loaded later too: the engine and the tokenizer."""
    os.environ.update(dict.fromkeys((*VARIABLES, "RAYON_NUM_THREADS"), "1"))
    pa.set_cpu_count(1)
