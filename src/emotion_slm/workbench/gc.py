"""What can be freed: objects of DVC's cache that nothing names, checkpoints nobody came back to.

`make gc` (this module as a program) shows them first. Its arguments say what to keep, as those of
`dvc gc` do: `--all-commits --all-experiments`, `--workspace`.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.lock import exclusive
from emotion_slm.common.paths import SCRATCH
from emotion_slm.workbench.disk import CHECKPOINTS, bytes_of, size
from emotion_slm.workbench.fsck import refuse_experiments
from emotion_slm.workbench.repository import dvc

OLD_DAYS = 7
REMOVING = "Removing "


class Garbage(NamedTuple):
    """`objects` of the cache that `keep` leaves out, `checkpoints` untouched for OLD_DAYS."""

    keep: tuple[str, ...]
    objects: list[Path]
    checkpoints: list[Path]


def find(keep: Sequence[str]) -> Garbage:
    """What would be freed; nothing is. EmotionSlmError when `dvc gc` does not take `keep`."""
    lines = dvc("gc", "--dry", *keep).splitlines()
    objects = [Path(line.removeprefix(REMOVING)) for line in lines if line.startswith(REMOVING)]
    checkpoints = [path for path in sorted(CHECKPOINTS.glob("*")) if _old(path)]
    return Garbage(tuple(keep), objects, checkpoints)


def free(garbage: Garbage) -> None:
    """Delete it, but for checkpoints that a training has gone on with since they were found.

    EmotionSlmError while a stage or an experiment runs: its inputs could be among what goes.
    """
    refuse_experiments(Path())
    with exclusive(SCRATCH / "stage.lock"):
        if garbage.objects:
            dvc("gc", "--force", *garbage.keep)
        for path in filter(_old, garbage.checkpoints):
            shutil.rmtree(path)


def screen(garbage: Garbage) -> Table:
    """Number, bytes and kind of what would be freed.

    An object with a hard link in the workspace is counted, though its space stays taken.
    """
    table = Table("would be freed", title_justify="left")
    table.add_column("number", justify="right")
    table.add_column("bytes", justify="right", no_wrap=True)
    for what, found in (
        (f"objects of DVC's cache, kept: {' '.join(garbage.keep)}", garbage.objects),
        (f"checkpoints untouched for {OLD_DAYS} days", garbage.checkpoints),
    ):
        table.add_row(Text(what), f"{len(found):,}", bytes_of(sum(map(size, found))))
    return table


def _old(folder: Path) -> bool:
    """Whether nothing in a folder was written for OLD_DAYS."""
    touched = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
    return touched < time.time() - OLD_DAYS * 24 * 3600


def main() -> None:
    console = Console()
    try:
        garbage = find(sys.argv[1:])
        console.print(screen(garbage))
        if not (garbage.objects or garbage.checkpoints):
            return
        if not sys.stdin.isatty():
            console.print("nothing freed: run it on a terminal, where it asks")
        elif Confirm.ask("Free this?", console=console, default=False):
            free(garbage)
            console.print("freed")
    except EmotionSlmError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
