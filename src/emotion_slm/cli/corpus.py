"""A corpus of one's own: described from a file, and checked before any training."""

import sys
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.common import paths
from emotion_slm.common.console import fail, progress
from emotion_slm.common.errors import EmotionSlmError

WARNED = 3

corpus = typer.Typer(no_args_is_help=True, help="Describe a corpus of your own; check it.")


def new(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="csv, tsv, jsonl or parquet: one, or three named train, validation and test, or "
            "their folder.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Of corpus and profile; default: that of the file.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="COLUMN[,COLUMN…]", help="With the text; several are joined."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN[,COLUMN…]", help="With the labels, or one of 0 and 1 for each."
        ),
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Between the labels of a cell.")] = None,
) -> None:
    """Look at a file, copy it to corpora/, and write a description and a profile for it.

    Says what it takes for the text, the labels and the task, and why. Overwrites nothing.
    """
    from rich.console import Console

    from emotion_slm.workbench.corpus_new import create
    from emotion_slm.workbench.corpus_new_screen import screen

    sources = [path.absolute() for path in files]
    try:
        with chdir(paths.project_root()), progress("looking at the file", None):
            found = create(sources, name, _columns(text), _columns(labels), separator)
        Console(highlight=False).print(screen(found))
    except EmotionSlmError as error:
        fail(str(error))


def check(
    description: Annotated[
        Path, typer.Argument(metavar="corpora/NAME.yaml", help="Description of the corpus.")
    ],
) -> None:
    """Show what a corpus consists of and everything wrong with it, before any training.

    Exit status: 0, or 1 when the pipeline would stop, 3 when there are warnings.
    """
    from rich.console import Console

    from emotion_slm.workbench.corpus_check import check as check_corpus
    from emotion_slm.workbench.corpus_check import screen

    root = paths.project_root()
    beside = description.absolute().parent.resolve() == (root / paths.CORPORA).resolve()
    if description.parent != Path() and not beside:
        fail(f"{description}: descriptions lie in {root / paths.CORPORA}/; put it there")
    try:
        with chdir(root), progress("reading the corpus", None):
            found = check_corpus(description.stem)
        Console(highlight=False).print(screen(found))
    except EmotionSlmError as error:
        fail(str(error))
    sys.exit(1 if found.errors else WARNED if found.warnings else 0)


def _columns(said: str | None) -> list[str]:
    return said.split(",") if said else []
