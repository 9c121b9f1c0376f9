"""Scoring texts and files with a trained model."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emotion_slm.common import paths
from emotion_slm.common.console import console, fail, progress
from emotion_slm.common.errors import EmotionSlmError, did_you_mean

if TYPE_CHECKING:
    from emotion_slm.scoring.plan import Options

SOME_REJECTED = 3
INTERRUPTED = 130  # as shells call an end by Ctrl-C


def of_project(model: Path) -> Path:
    """The default folder of the model, from a subfolder of the project too."""
    return paths.project_root() / model if model == paths.CLASSIFIER else model


ModelOption = Annotated[
    Path, typer.Option(help="Folder of the trained model.", callback=of_project)
]


def predict(
    file: Annotated[
        Path | None,
        typer.Argument(help="File to score: csv, tsv, jsonl, parquet or plain lines; - is stdin."),
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text to score; repeatable.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where to write; default FILE.scored.SUFFIX, of stdin stdout."
        ),
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column that holds the texts.")] = "text",
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="csv, tsv, jsonl or parquet: of the output, and of stdin. Default: the input's; "
            "stdin is plain lines.",
        ),
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Columns to show: all, targets, ekman or sentiment.")
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
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Score texts given with --text, or the rows of a file.

    Exit status: 0, or 1 after an error, 3 when some rows were rejected, 130 when interrupted.
    """
    from emotion_slm.scoring.formats import Format
    from emotion_slm.scoring.plan import Options

    if (file is None) == (not text):
        fail("give either a file or --text TEXT")
    if form is not None and form not in list(Format):
        fail(f"--format {form}: unknown{did_you_mean(form, map(str, Format))}")
    options = Options(text_column, labels, threshold, top_k, Format(form) if form else None)
    try:
        if file is None:
            if output or resume or form:
                fail("-o, --format and --resume go with a file, not with --text")
            show_predictions(text or [], options, model, device)
        else:
            score_file(file, output, options, model, device, resume)
    except EmotionSlmError as error:
        fail(str(error))


def show_predictions(
    texts: Sequence[str], options: "Options", model: Path, device: str | None
) -> None:
    """Print each text with a bar per emotion."""
    from rich.console import Console

    with progress("loading the model", None):
        from emotion_slm.scoring.chart import chart
        from emotion_slm.scoring.classifier import EmotionClassifier
        from emotion_slm.scoring.run import find

        classifier = EmotionClassifier.from_pretrained(model, device)
    view, found, shown = find(texts, classifier, options)
    Console(highlight=False).print(chart(texts, found, shown, view))


def score_file(
    source: Path,
    output: Path | None,
    options: "Options",
    model: Path,
    device: str | None,
    resume: bool,
) -> None:
    """Score a file and say what became of its rows."""
    from emotion_slm.scoring.formats import STANDARD
    from emotion_slm.scoring.plan import check
    from emotion_slm.scoring.run import score

    try:
        check(source, output, options, resume)  # loading the model takes seconds
        with progress("loading the model", None):
            from emotion_slm.common.files import sha256_file
            from emotion_slm.package.package import CONFIG
            from emotion_slm.scoring.classifier import EmotionClassifier

            classifier = EmotionClassifier.from_pretrained(model, device)
        # The config holds the hashes of all other files.
        digest = sha256_file(model / CONFIG)
        done = score(source, output, classifier, options, digest, resume)
    except KeyboardInterrupt as interrupt:
        console.print(f"interrupted: {interrupt}", markup=False, soft_wrap=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Who read standard output has gone; Python would complain once more when it flushes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if done.output != STANDARD:
        typer.echo(f"{done.records - done.rejected:,} rows → {done.output}")
    if done.rejected:
        place = "" if done.output == STANDARD else f" → {done.output}.rejected.jsonl"
        console.print(f"{done.rejected:,} rows rejected{place}", markup=False, soft_wrap=True)
        sys.exit(SOME_REJECTED)
