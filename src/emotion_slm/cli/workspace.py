"""The workspace on the disk: whether it is sound, and what it takes."""

from contextlib import chdir
from typing import Annotated

import typer

from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import project_root


def fsck(
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Put right what is damaged, so that DVC brings it back."),
    ] = False,
) -> None:
    """Read DVC's cache and the outputs byte by byte: do they hold what dvc.lock says?"""
    from emotion_slm.workbench.fsck import check, idle

    try:
        root = project_root()
        with idle(root):
            found = check(root)
            for finding in found.findings:
                did = f": {finding.repair()}" if repair else ""
                typer.echo(f"{finding.path}: {finding.problem}{did}")
    except EmotionSlmError as error:
        fail(str(error))
    typer.echo(
        f"{len(found.findings)} damaged, of {found.objects:,} objects in the cache and "
        f"{found.outputs:,} files of outputs"
    )
    if found.findings and repair:
        typer.echo(
            "`git checkout` brings back what git keeps (dvc.lock, metrics), `dvc pull` what was "
            "pushed, `dvc repro` the rest, from the cache or made again"
        )
    elif found.findings:
        fail("run `emotion-slm fsck --repair`, then `dvc repro`")


def disk() -> None:
    """Show the disk space of each stage's outputs, of DVC's cache and of private workspaces."""
    from rich.console import Console

    from emotion_slm.workbench.disk import screen, usage

    try:
        with chdir(project_root()):
            found = usage()
        Console(highlight=False).print(screen(found))
    except EmotionSlmError as error:
        fail(str(error))
