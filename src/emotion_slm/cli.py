"""The command line: score texts, audit a workspace for leaks, show the test metrics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from emotion_slm import paths
from emotion_slm.console import fail
from emotion_slm.errors import EmotionSlmError

# Commands import what they need when they run: `--help` answers at once.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ModelOption = Annotated[Path, typer.Option(help="Folder of the trained model.")]


@app.callback()
def main() -> None:
    """Leak-free emotion recognition with small language models."""


@app.command()
def predict(
    file: Annotated[Path | None, typer.Argument(help="CSV file to score.")] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text to score; repeatable.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write; default FILE.scored.csv.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column that holds the texts.")] = "text",
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Score texts given with --text, or the rows of a CSV file."""
    if (file is None) == (not text):
        fail("give either a CSV file or --text TEXT")
    try:
        if file is None:
            show_predictions(text or [], model)
            return
        from emotion_slm.inference.classifier import EmotionClassifier
        from emotion_slm.inference.scoring import score_csv

        output = output or file.with_suffix(".scored.csv")
        rows = score_csv(file, output, text_column, EmotionClassifier.from_pretrained(model))
        typer.echo(f"{rows:,} rows → {output}")
    except EmotionSlmError as error:
        fail(str(error))


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

    from emotion_slm.console import progress
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


def show_predictions(texts: Sequence[str], model: Path) -> None:
    """Print a table: each text, its labels and their calibrated probabilities."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from emotion_slm.inference.classifier import EmotionClassifier

    table = Table("text", "emotions", show_lines=True)
    predictions = EmotionClassifier.from_pretrained(model).predict(texts)
    for text, found in zip(texts, predictions, strict=True):
        lines = [f"{label} {probability:.2f}" for label, probability in found.items()]
        table.add_row(Text(text), Text("\n".join(lines) or "none above its threshold"))
    Console().print(table)


if __name__ == "__main__":
    app()
