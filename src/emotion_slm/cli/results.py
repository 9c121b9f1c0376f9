"""Results of the pipeline: audited, shown, compared."""

import os
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.common import paths
from emotion_slm.common.console import fail, progress
from emotion_slm.common.errors import EmotionSlmError


def audit(
    root: Annotated[
        Path | None, typer.Option(help="Root of a workspace; default: this project's.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(help="Fail on a leak or a missing file; otherwise only report them."),
    ] = True,
) -> None:
    """Check from the files alone that no validation or test row touched training."""
    # As stages/__init__.py does, before a library loads OpenMP: its threads wait by spinning.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from rich.console import Console

    from emotion_slm.audit.audit import audit as run_audit
    from emotion_slm.audit.result import enforce
    from emotion_slm.audit.table import screen

    try:
        with progress("leak audit", None):
            result = run_audit(root or paths.project_root(), strict=False)
        Console().print(screen(result))
        if strict:
            enforce(result)
    except EmotionSlmError as error:
        fail(str(error))


def report(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder of page and summary; default reports/ in the root."
        ),
    ] = None,
    texts: Annotated[
        bool, typer.Option("--texts/--no-texts", help="Show the hardest rows with their texts.")
    ] = True,
) -> None:
    """Show the test metrics of the last run; write them as an HTML page and in Markdown."""
    from rich.console import Console

    from emotion_slm.corpus.description import caption
    from emotion_slm.evaluation.tables import metrics_screen
    from emotion_slm.workbench.report import write_report
    from emotion_slm.workbench.results import read_results

    try:
        folder = output and output.absolute()
        with chdir(paths.project_root()):
            results = read_results()
            note = caption(results.origin.corpus)
            written = write_report(folder or Path("reports"), texts)
        labels = [row.model_dump() for row in results.labels]
        profile, _, protocol = results.origin
        Console().print(metrics_screen(results.test.model_dump(), labels, profile, protocol, note))
        typer.echo(f"→ {_places(written)}")
    except EmotionSlmError as error:
        fail(str(error))


def review(
    base: Annotated[str, typer.Argument(help="Revision to compare with: a branch, tag or commit.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder of page, summary and pictures; default reports/review/."
        ),
    ] = None,
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
        folder = output and output.absolute()
        with chdir(paths.project_root()):
            found = compare(base)
            written = write_review(found, folder or Path("reports/review"), hosted)
        Console().print(screen(found))
        typer.echo(f"→ {_places(written)}")
    except EmotionSlmError as error:
        fail(str(error))


def _places(written: list[Path]) -> str:
    """Files written in the project's root, as the working directory names them."""
    root = paths.project_root()
    return ", ".join(os.path.relpath(root / path) for path in written)
