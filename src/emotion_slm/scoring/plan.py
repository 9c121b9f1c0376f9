"""What is read and written in which formats: settled, and checked, before a model is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import (
    STANDARD,
    Format,
    default_output,
    input_format,
    output_format,
)
from emotion_slm.scoring.label_groups import View, known_view
from emotion_slm.scoring.readers import Reader, open_reader


class Options(NamedTuple):
    """What is scored and shown; `labels` names a view (`views.VIEWS`)."""

    text_column: str = "text"
    labels: str = "all"
    threshold: float | None = None
    top_k: int | None = None
    format: Format | None = None


class Plan(NamedTuple):
    """What follows from the names of input and output alone."""

    reading: Format
    writing: Format
    output: Path
    view: View


def check(source: Path, output: Path | None, options: Options, resume: bool = False) -> None:
    """Raise what `score` would for a wrong file, format or column, without a model."""
    plan = make_plan(source, output, options, resume)
    if source != STANDARD:
        with told(source), source.open("rb") as stream:
            open_planned(source, stream, options, plan)


def _check_streams(source: Path, output: Path, writing: Format, resume: bool) -> None:
    if resume and STANDARD in (source, output):
        raise EmotionSlmError("--resume needs a file to read and a file to write, not a pipe")
    if output == STANDARD and writing is Format.PARQUET:
        raise EmotionSlmError("Parquet cannot be written to a pipe; give a file with -o")
    if output.is_dir():
        raise EmotionSlmError(f"{output}: is a folder; give the file to write with -o")


def make_plan(source: Path, output: Path | None, options: Options, resume: bool) -> Plan:
    """EmotionSlmError when there is no such input, or input and output do not go together."""
    if source.is_dir():
        raise EmotionSlmError(f"{source}: is a folder; give a file, or - for standard input")
    if source != STANDARD and not source.exists():
        raise EmotionSlmError(f"{source}: no such file; a text itself is given with --text")
    reading = input_format(source, options.format)
    writing = output_format(source, output, options.format)
    output = output or default_output(source, writing)
    _check_streams(source, output, writing, resume)
    return Plan(reading, writing, output, known_view(options.labels))


def open_planned(source: Path, stream: BinaryIO, options: Options, plan: Plan) -> Reader:
    """The reader of `stream`, its header read; EmotionSlmError when a column is missing."""
    return open_reader(
        source,
        stream,
        plan.reading,
        options.text_column,
        ("labels", *plan.view.names),
        any_keys=plan.writing is Format.JSONL,
    )


@contextmanager
def told(source: Path) -> Iterator[None]:
    """Tell an OSError met in the block as EmotionSlmError, but for a reader that has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        place, problem = error.filename or source, (error.strerror or str(error)).lower()
        raise EmotionSlmError(f"{place}: {problem}") from error
