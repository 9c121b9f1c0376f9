"""Results of the pipeline: audited, shown, compared."""

from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.common import paths
from emotion_slm.common.console import fail, progress
from emotion_slm.common.errors import EmotionSlmError


def audit(
    root: Annotated[Path, typer.Option(help="Root of the workspace.")] = Path(),
    strict: Annotated[
        bool,
        typer.Option(help="Fail on a leak or a missing file; otherwise only report them."),
    ] = True,
) -> None:
    """Check from the files alone that no validation or test row touched training."""
    from rich.console import Console

    from emotion_slm.audit.audit import audit as run_audit
    from emotion_slm.audit.result import enforce
    from emotion_slm.audit.table import screen

    try:
        with progress("leak audit", None):
            result = run_audit(root, strict)
        Console().print(screen(result))
        if strict:
            enforce(result)
    except EmotionSlmError as error:
        fail(str(error))


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

    from emotion_slm.common.files import read_csv, read_json
    from emotion_slm.common.params import Document
    from emotion_slm.corpus.params import FetchParams, SplitParams
    from emotion_slm.evaluation.results import COLUMNS
    from emotion_slm.evaluation.tables import metrics_screen
    from emotion_slm.workbench.report import write_report

    try:
        numbers = read_json(paths.METRICS / "test.json")
        labels = read_csv(paths.PLOTS / "per_label.csv", COLUMNS["per_label"])
        document = Document.of_run()
        corpus = document.section("fetch", FetchParams).corpus
        protocol = document.section("split", SplitParams).protocol
        written = write_report(output, texts)
        Console().print(metrics_screen(numbers, labels, document.profile, corpus, protocol))
        typer.echo(f"→ {', '.join(map(str, written))}")
    except EmotionSlmError as error:
        fail(str(error))


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

    from emotion_slm.workbench.review import review as compare
    from emotion_slm.workbench.review_page import screen, write_review

    try:
        found = compare(base)
        written = write_review(found, output, hosted)
        Console().print(screen(found))
        typer.echo(f"→ {', '.join(map(str, written))}")
    except EmotionSlmError as error:
        fail(str(error))
