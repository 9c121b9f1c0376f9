"""Scoring texts and files with a trained model."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from emotion_slm.cli.bulk import (
    INTERRUPTED,
    SOME_REJECTED,
    AddressOption,
    EngineOption,
    ReplaceOption,
    ShardOption,
    VerifyOption,
    Work,
    WorkersOption,
    many,
    score_many,
)
from emotion_slm.common import paths
from emotion_slm.common.console import console, fail, progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean

if TYPE_CHECKING:
    from emotion_slm.scoring.classifier import EmotionClassifier
    from emotion_slm.scoring.plan import Options


def of_project(model: Path) -> Path:
    """The default folder of the model, from a subfolder of the project too."""
    return paths.project_root() / model if model == paths.CLASSIFIER else model


ModelOption = Annotated[
    Path, typer.Option(help="Folder of the trained model.", callback=of_project)
]


def predict(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="File to score: csv, tsv, jsonl, parquet or plain lines, also compressed by gzip, "
            "bzip2, xz or zstd; - is stdin. Several, globs, folders, s3://… and gs://… are scored "
            "into a folder.",
            metavar="INPUT",
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text to score; repeatable.")] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="Where to write: a file of its own, a pipe, or a folder. Default of one file: "
            "x.scored.csv for x.csv, x.txt.scored.csv for x.txt, x.scored for x, stdout for stdin.",
        ),
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column that holds the texts.")] = "text",
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="csv, tsv, jsonl or parquet: of the output, of stdin, and of a file whose suffix "
            "says nothing. Default: the input's; stdin is known by its first line, and plain lines "
            "if that tells nothing.",
        ),
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header",
            help="The csv or tsv file has no row of names: --text-column 1 is its first column.",
        ),
    ] = False,
    quoting: Annotated[
        str,
        typer.Option(
            help="Double quotes in csv and tsv: double, they enclose fields; none, they are "
            "characters like any other."
        ),
    ] = "double",
    labels: Annotated[
        str,
        typer.Option(
            help="Columns to show: all, targets, or a grouping that the model's corpus names."
        ),
    ] = "all",
    top_k: Annotated[int | None, typer.Option(min=1, help="At most so many labels a text.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="In place of the tuned threshold of each label."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; default: where the model is loaded.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Of --text, show which words moved which label.")
    ] = False,
    model: ModelOption = paths.CLASSIFIER,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    address: AddressOption = None,
    shard: ShardOption = None,
    replace: ReplaceOption = False,
    verify: VerifyOption = False,
) -> None:
    """Score texts given with --text, the rows of a file, or many files into a folder.

    Exit status: 0, or 1 after an error, 130 when interrupted, 3 when some rows were
    rejected or units of many files not scored.
    """
    from emotion_slm.scoring.formats import Format, Quoting
    from emotion_slm.scoring.plan import Options

    if (not files) == (not text):
        fail("give either a file or --text TEXT")
    if form is not None and form not in list(Format):
        fail(f"--format {form}: unknown{did_you_mean(form, map(str, Format))}")
    if quoting not in list(Quoting):
        fail(f"--quoting {quoting}: unknown{did_you_mean(quoting, map(str, Quoting))}")
    options = Options(
        text_column=text_column,
        labels=labels,
        threshold=threshold,
        top_k=top_k,
        format=Format(form) if form else None,
        header=not no_header,
        quoting=Quoting(quoting),
    )
    try:
        work = Work(engine, workers, address, shard, replace, verify)
        if files and explain:
            fail("--explain goes with --text; `emotion-slm explain FILE` explains a file")
        elif files and (work.asked() or many(files, output)):
            score_many(files, output, options, model, device, resume, work)
        elif not files:
            if work.asked() or output or resume or form or no_header or quoting != Quoting.DOUBLE:
                fail(
                    "-o, --format, --no-header, --quoting, --resume and what divides the work go "
                    "with a file, not with --text"
                )
            show_predictions(text or [], options, model, device, explain)
        else:
            target = Path(output) if output else None
            score_file(Path(files[0]), target, options, model, device, resume)
    except EmotionSlmError as error:
        fail(str(error))


def show_predictions(
    texts: Sequence[str],
    options: "Options",
    model: Path,
    device: str | None,
    explain: bool = False,
) -> None:
    """Print each text with a bar per label; with `explain` also with its words marked."""
    from rich.console import Console

    with progress("loading the model", None):
        from emotion_slm.scoring.chart import chart
        from emotion_slm.scoring.classifier import EmotionClassifier
        from emotion_slm.scoring.plan import check_options
        from emotion_slm.scoring.run import find

        check_options(options)
        classifier = EmotionClassifier.from_pretrained(model, device)
    groups, found, shown = find(texts, classifier, options)
    screen = Console(highlight=False)
    screen.print(chart(texts, found, shown, groups))
    if explain:
        from emotion_slm.explain.occlusion import explain as leave_out
        from emotion_slm.explain.screen import screen as marked

        names, thresholds = classifier.labels.names, classifier.thresholds
        screen.print(marked(leave_out(texts, classifier), names, thresholds))
    say_truncated(classifier.truncated(texts), classifier)


def score_file(
    source: Path,
    output: Path | None,
    options: "Options",
    model: Path,
    device: str | None,
    resume: bool,
) -> None:
    """Score a file and say what became of its rows."""
    from emotion_slm.package.config import CONFIG
    from emotion_slm.package.package import read_labels
    from emotion_slm.scoring.formats import STANDARD
    from emotion_slm.scoring.outputs import streamed
    from emotion_slm.scoring.plan import check
    from emotion_slm.scoring.run import score

    try:
        # Loading the model takes seconds.
        check(source, output, options, read_labels(model), resume)
        with progress("loading the model", None):
            from emotion_slm.common.files import sha256_file
            from emotion_slm.scoring.classifier import EmotionClassifier

            classifier = EmotionClassifier.from_pretrained(model, device)
        # The config holds the hashes of all other files.
        digest = sha256_file(model / CONFIG)
        done = score(source, output, classifier, options, digest, resume)
    except KeyboardInterrupt as interrupt:
        console.print(f"interrupted: {interrupt}", markup=False, soft_wrap=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        silence(sys.stdout)
        sys.exit(1)
    say_truncated(done.truncated, classifier)
    if done.output != STANDARD:
        try:
            typer.echo(f"{done.records - done.rejected:,} rows → {done.output}")
        except BrokenPipeError:
            silence(sys.stdout)  # the rows are where they should be all the same
    if done.rejected:
        place = "" if streamed(done.output) else f" → {done.output}.rejected.jsonl"
        console.print(f"{done.rejected:,} rows rejected{place}", markup=False, soft_wrap=True)
        sys.exit(SOME_REJECTED)


def say_truncated(texts: int, classifier: "EmotionClassifier") -> None:
    if texts:
        console.print(
            f"{texts:,} texts are longer than the model reads, scored by the part that it reads "
            f"(at most {classifier.package.encoder.max_length:,} tokens)",
            markup=False,
            soft_wrap=True,
        )


def silence(stream: TextIO | None) -> None:
    """Who read it has gone; Python would complain once more when it flushes it."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
