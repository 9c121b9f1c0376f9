"""What is done with a trained model besides scoring: exported, published, traced."""

import os
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from emotion_slm.cli.scoring import ModelOption, of_project
from emotion_slm.common import paths
from emotion_slm.common.console import fail, progress
from emotion_slm.common.errors import EmotionSlmError

VALIDATION_TEXTS = 1000  # seconds of scoring, and a tenth of a percent


def pull(
    source: Annotated[
        str,
        typer.Argument(metavar="REPOSITORY", help="Folder or URL of the project."),
    ] = ".",
    revision: Annotated[
        str | None, typer.Option("--rev", help="Branch or tag; without it the newest.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New folder of the model.")
    ] = paths.CLASSIFIER,
) -> None:
    """Fetch the released model from a repository, without an account and without DVC."""
    from emotion_slm.workbench.release import fetch

    try:
        with progress("fetching", None):
            fetch(source, output, revision)
    except EmotionSlmError as error:
        fail(str(error))
    typer.echo(f"→ {output}")


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
    """Write a model for ONNX Runtime, which scores faster; `predict --model` reads it.

    With --int8, in a clone with data, counts the validation texts whose labels change.
    """
    from emotion_slm.common.files import read_parquet
    from emotion_slm.package.config import ONNX
    from emotion_slm.package.package import read_package
    from emotion_slm.publish.onnx_export import compare_labels, export_onnx

    if not onnx:
        fail("say what to export to: --onnx")
    precision = "int8" if int8 else "float32"
    try:
        with progress("exporting", None):
            export_onnx(read_package(model), output, precision)
    except EmotionSlmError as error:
        fail(str(error))
    typer.echo(f"{precision}, {(output / ONNX).stat().st_size / 1e6:.1f} MB → {output}")
    validation = paths.SPLIT / "validation.parquet"
    if int8 and validation.exists():
        texts = read_parquet(validation, ("text",))["text"][:VALIDATION_TEXTS]
        with progress("comparing", None):
            count = compare_labels(model, output, texts.tolist())
        typer.echo(
            f"of {count.texts:,} validation texts {count.other} get other labels than by {model}, "
            f"{count.none} get none (by {model} {count.none_before})"
        )


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

    from emotion_slm.publish import hub
    from emotion_slm.workbench.lineage_commits import commit_of

    try:
        with TemporaryDirectory() as folder:
            with progress("full weights", None):
                repository = hub.prepare(model, repo_id, not public, Path(folder), commit_of(model))
            Console(highlight=False).print(hub.screen(repository))
            if publish:
                typer.echo(f"→ {hub.publish(repository)}")
            else:
                typer.echo("Nothing was sent; --publish uploads it.")
    except EmotionSlmError as error:
        fail(str(error))


def lineage(
    model: Annotated[
        Path, typer.Argument(help="Folder of the model.", callback=of_project)
    ] = paths.CLASSIFIER,
) -> None:
    """Show from which data, params, code and base weights a model came, and verify the hashes.

    What is not on this machine is marked as such. Exit status 1 when something differs.
    """
    from rich.console import Console

    from emotion_slm.workbench.lineage import screen, trace

    try:
        root = paths.project_root()
        folder = Path(os.path.relpath(model, root))
        with chdir(root):
            found = trace(folder)
    except EmotionSlmError as error:
        fail(str(error))
    Console(highlight=False).print(screen(found))
    sys.exit(1 if found.differing else 0)
