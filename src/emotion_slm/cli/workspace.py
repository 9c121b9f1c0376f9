"""The workspace on the disk: whether it is sound, and what it takes."""

from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError


def fsck(
    mend: Annotated[
        bool, typer.Option("--mend", help="Put right what is damaged, so that DVC brings it back.")
    ] = False,
) -> None:
    """Read DVC's cache and the outputs byte by byte: do they hold what dvc.lock says?"""
    from emotion_slm.workbench.fsck import at_rest, check

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
        typer.echo(
            "`git checkout` brings back what git keeps (dvc.lock, metrics), `dvc pull` what was "
            "pushed, `dvc repro` the rest, from the cache or made again"
        )
    elif found.findings:
        fail("run `emotion-slm fsck --mend`, then `dvc repro`")


def disk() -> None:
    """Show the disk space of each stage's outputs, of DVC's cache and of private workspaces."""
    from rich.console import Console

    from emotion_slm.workbench.disk import screen, usage

    try:
        Console(highlight=False).print(screen(usage()))
    except EmotionSlmError as error:
        fail(str(error))
