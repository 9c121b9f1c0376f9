"""The command line: score texts, audit and verify a workspace, compare results, publish."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from emotion_slm import paths
from emotion_slm.console import console, fail, progress
from emotion_slm.errors import EmotionSlmError
from emotion_slm.spelling import did_you_mean

if TYPE_CHECKING:
    from emotion_slm.inference.scoring import Options

# Commands import what they need when they run: `--help` answers at once.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

SOME_REJECTED = 3
INTERRUPTED = 130  # as shells call an end by Ctrl-C

ModelOption = Annotated[Path, typer.Option(help="Folder of the trained model.")]


@app.callback()
def main() -> None:
    """Leak-free emotion recognition with small language models."""


@app.command()
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
    from emotion_slm.inference.formats import Format
    from emotion_slm.inference.scoring import Options

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


@app.command()
def export(
    onnx: Annotated[bool, typer.Option("--onnx", help="As an ONNX graph, for CPUs.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="With int8 matrix products: faster, a little less exact.")
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New folder of the exported model.")
    ] = Path("models/onnx"),
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Write a model for ONNX Runtime, which scores faster; `predict --model` reads it."""
    from emotion_slm.console import progress
    from emotion_slm.model.onnx_export import export_onnx
    from emotion_slm.model.package import ONNX, read_package

    if not onnx:
        fail("say what to export to: --onnx")
    precision = "int8" if int8 else "float32"
    try:
        with progress("exporting", None):
            export_onnx(read_package(model), output, precision)
    except EmotionSlmError as error:
        fail(str(error))
    typer.echo(f"{precision}, {(output / ONNX).stat().st_size / 1e6:.1f} MB → {output}")


@app.command()
def audit(
    root: Annotated[Path, typer.Option(help="Root of the workspace.")] = Path(),
    strict: Annotated[
        bool,
        typer.Option(help="Fail on a leak or a missing file; otherwise only report them."),
    ] = True,
) -> None:
    """Check from the files alone that no validation or test row touched training."""
    from rich.console import Console

    from emotion_slm.evaluation.leakage import audit as run_audit
    from emotion_slm.evaluation.leakage_result import enforce
    from emotion_slm.evaluation.leakage_screen import screen

    try:
        with progress("leak audit", None):
            result = run_audit(root, strict)
        Console().print(screen(result))
        if strict:
            enforce(result)
    except EmotionSlmError as error:
        fail(str(error))


@app.command()
def report(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the page and the summary.")
    ] = Path("reports"),
    texts: Annotated[
        bool, typer.Option("--texts/--no-texts", help="Show the hardest rows with their texts.")
    ] = True,
) -> None:
    """Show the test metrics of the last run; write them as an HTML page and in Markdown."""
    from rich.console import Console

    from emotion_slm.evaluation.report import test_table
    from emotion_slm.files import read_json
    from emotion_slm.report.render import write_report

    try:
        content = read_json(paths.METRICS / "test.json")
        written = write_report(output, texts)
        Console().print(test_table(content))
        typer.echo(f"→ {', '.join(map(str, written))}")
    except EmotionSlmError as error:
        fail(str(error))


@app.command()
def review(
    base: Annotated[str, typer.Argument(help="Revision to compare with: a branch, tag or commit.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the page, the summary, the pictures.")
    ] = Path("reports/review"),
    hosted: Annotated[
        str | None,
        typer.Option(help="URL before COMMIT/PATH where the summary finds the pictures in git."),
    ] = None,
) -> None:
    """Compare params, metrics and plots of the working tree with those of a revision."""
    from rich.console import Console

    from emotion_slm.review.differences import review as compare
    from emotion_slm.review.render import write_review
    from emotion_slm.review.screen import screen

    try:
        found = compare(base)
        written = write_review(found, output, hosted)
        Console().print(screen(found))
        typer.echo(f"→ {', '.join(map(str, written))}")
    except EmotionSlmError as error:
        fail(str(error))


@app.command()
def fsck(
    mend: Annotated[
        bool, typer.Option("--mend", help="Put right what is damaged, so that DVC brings it back.")
    ] = False,
) -> None:
    """Read DVC's cache and the outputs byte by byte: do they hold what dvc.lock says?"""
    from emotion_slm.fsck import at_rest, check

    try:
        with at_rest(Path()):
            found = check(Path())
            for path, problem, put_right in found.findings:
                did = f": {put_right()}" if mend else ""
                typer.echo(f"{path}: {problem}{did}")
    except EmotionSlmError as error:
        fail(str(error))
    typer.echo(
        f"{len(found.findings)} damaged, of {found.objects:,} objects in the cache and "
        f"{found.outputs:,} files of outputs"
    )
    if found.findings and mend:
        typer.echo("`dvc repro` now brings back what was deleted; so does `dvc pull`, if pushed")
    elif found.findings:
        fail("run `emotion-slm fsck --mend`, then `dvc repro`")


@app.command()
def push(
    repo_id: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="Repository on the Hugging Face hub.")
    ],
    publish: Annotated[
        bool, typer.Option("--publish", help="Upload; without it nothing is sent.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="For everyone to read; otherwise private.")
    ] = False,
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Publish the model on the Hugging Face hub, with full weights and its card.

    Shows what would be uploaded; does it only with --publish.
    """
    from rich.console import Console

    from emotion_slm.model import hub

    try:
        with TemporaryDirectory() as folder:
            with progress("full weights", None):
                repository = hub.prepare(model, repo_id, not public, Path(folder))
            Console(highlight=False).print(hub.screen(repository))
            if publish:
                typer.echo(f"→ {hub.publish(repository)}")
            else:
                typer.echo("Nothing was sent; --publish uploads it.")
    except EmotionSlmError as error:
        fail(str(error))


@app.command()
def lineage(
    model: Annotated[Path, typer.Argument(help="Folder of the model.")] = paths.CLASSIFIER,
) -> None:
    """Show from which data, params, code and base weights a model came, and verify the hashes.

    What is not on this machine is marked as such. Exit status 1 when something differs.
    """
    from rich.console import Console

    from emotion_slm.lineage.lineage import trace
    from emotion_slm.lineage.screen import screen

    try:
        found = trace(model)
    except EmotionSlmError as error:
        fail(str(error))
    Console(highlight=False).print(screen(found))
    sys.exit(1 if found.differing else 0)


@app.command()
def disk() -> None:
    """Show the disk space of each stage's outputs, of DVC's cache and of private workspaces."""
    from rich.console import Console

    from emotion_slm.storage.screen import screen
    from emotion_slm.storage.usage import usage

    try:
        Console(highlight=False).print(screen(usage()))
    except EmotionSlmError as error:
        fail(str(error))


def show_predictions(
    texts: Sequence[str], options: "Options", model: Path, device: str | None
) -> None:
    """Print each text with a bar per emotion."""
    from rich.console import Console

    with progress("loading the model", None):
        from emotion_slm.inference.chart import chart
        from emotion_slm.inference.classifier import EmotionClassifier
        from emotion_slm.inference.scoring import find

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
    try:
        with progress("loading the model", None):
            from emotion_slm.files import sha256_file
            from emotion_slm.inference.classifier import EmotionClassifier
            from emotion_slm.inference.formats import STANDARD
            from emotion_slm.inference.scoring import score
            from emotion_slm.model.package import CONFIG

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


if __name__ == "__main__":
    app()
