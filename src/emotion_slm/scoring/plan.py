"""What is read and written in which formats: settled, and checked, before a model is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.scoring.formats import (
    STANDARD,
    Format,
    Quoting,
    default_output,
    input_format,
    output_format,
    sniff,
)
from emotion_slm.scoring.label_groups import LabelGroups, check_threshold, known_label_groups
from emotion_slm.scoring.outputs import check_stream, replaceable, streamed
from emotion_slm.scoring.readers import Reader, open_reader
from emotion_slm.scoring.sources import PARQUET, Source, once, open_source
from emotion_slm.scoring.writers import create_writer


class Options(NamedTuple):
    """What is scored and shown; `labels` names label groups (`label_groups.known_label_groups`).

    `header` and `quoting` are of CSV and TSV: whether the first row names the columns, which are
    called "1", "2", … otherwise, and what double quotes are.
    """

    text_column: str = "text"
    labels: str = "all"
    threshold: float | None = None
    top_k: int | None = None
    format: Format | None = None
    header: bool = True
    quoting: Quoting = Quoting.DOUBLE


class Plan(NamedTuple):
    """What follows from the names of input and output; `streamed` as in `outputs`."""

    reading: Format
    writing: Format
    output: Path
    streamed: bool
    groups: LabelGroups


def check(
    source: Path,
    output: Path | None,
    options: Options,
    labels: LabelSet,
    resume: bool = False,
) -> None:
    """Raise what `score` would for a wrong file, format or column, without a model.

    What can be read only once is left for `score` to open.
    """
    with naming_file(source):
        check_options(options)
        check_exists(source)
        if once(source):
            make_plan(source, output, options, labels, resume)
            return
        with open_source(source) as opened:
            plan = make_plan(source, output, options, labels, resume, opened)
            reader = open_planned(opened, options, plan)
            create_writer(source, plan.writing, reader, plan.groups.names)


def check_options(options: Options) -> None:
    """EmotionSlmError for a threshold that no probability can be held against, or no labels."""
    try:
        check_threshold(options.threshold)
    except ValueError as error:
        raise EmotionSlmError(f"--threshold: {error}") from error
    if options.top_k is not None and options.top_k < 1:
        raise EmotionSlmError(f"--top-k {options.top_k}: must be at least 1")


def check_exists(source: Path) -> None:
    if source.is_dir():
        raise EmotionSlmError(f"{source}: is a folder; give a file, or - for standard input")
    if source != STANDARD and not source.exists():
        raise EmotionSlmError(f"{source}: no such file; a text itself is given with --text")


def make_plan(
    source: Path,
    output: Path | None,
    options: Options,
    labels: LabelSet,
    resume: bool,
    opened: Source | None = None,
) -> Plan:
    """EmotionSlmError when input, output and options do not go together.

    `opened`, where it can be had: what comes without a suffix or a named format is known by how it
    begins.
    """
    named = options.format
    if named is None and opened is not None and once(source):
        named = _by_content(opened, options)
    reading = input_format(source, named, once(source))
    writing = output_format(source, output, options.format, reading)
    check_layout(source, reading, options)
    output = output or (STANDARD if once(source) else default_output(source, writing))
    if resume and once(source):
        raise EmotionSlmError(f"{source}: can be read only once; --resume needs a file, not a pipe")
    to_stream = streamed(output)
    if to_stream:
        if resume:
            raise EmotionSlmError(f"{output}: --resume needs a file to write, not a pipe")
        if writing is Format.PARQUET:
            raise EmotionSlmError("Parquet cannot be written to a pipe; give a file with -o")
        check_stream(output, source)
    else:
        output = replaceable(output, source)
    return Plan(reading, writing, output, to_stream, known_label_groups(options.labels, labels))


def open_planned(source: Source, options: Options, plan: Plan) -> Reader:
    """The reader of `source`, its header read; EmotionSlmError when a column is missing."""
    if source.head.startswith(PARQUET) and plan.reading is not Format.PARQUET:
        raise EmotionSlmError(
            f"{source.path}: it holds Parquet, not {plan.reading}; give it the suffix .parquet"
        )
    return open_reader(
        source,
        plan.reading,
        options.text_column,
        ("labels", *plan.groups.names),
        any_keys=plan.writing is Format.JSONL,
        header=options.header,
        quoting=options.quoting,
    )


def _by_content(source: Source, options: Options) -> Format | None:
    if source.head.startswith(PARQUET):
        return Format.PARQUET
    return sniff(source.head.decode(source.encoding, "replace"), options.text_column)


def check_layout(source: Path, reading: Format, options: Options) -> None:
    """EmotionSlmError for options of CSV and TSV with another format."""
    if reading in (Format.CSV, Format.TSV):
        return
    for option, given in (
        ("--no-header", not options.header),
        ("--quoting none", options.quoting is Quoting.NONE),
    ):
        if given:
            raise EmotionSlmError(f"{source}: {option} goes with csv and tsv, not with {reading}")


@contextmanager
def naming_file(source: Path) -> Iterator[None]:
    """Raise an OSError as EmotionSlmError that names the file, but for a reader that has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        place, problem = error.filename or source, (error.strerror or str(error)).lower()
        raise EmotionSlmError(f"{place}: {problem}") from error
