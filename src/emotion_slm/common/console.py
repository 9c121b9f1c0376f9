"""What people see while a stage runs: progress on a terminal, one closing line everywhere."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from emotion_slm.common.errors import EmotionSlmError, out_of_memory
from emotion_slm.common.lock import exclusive
from emotion_slm.common.paths import METRICS, SCRATCH
from emotion_slm.common.processes import rank

console = Console(stderr=True, highlight=False)
# The last steps from which a bar tells the time left. One may take a minute: rich's own thirty
# seconds would then hold no two.
SPEED_SECONDS = 600

# Chatter of libraries that no user can act on, hidden before they are imported: a load report on
# weights left out on purpose, and a 4-bit kernel missed even when 4 bit is not used.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def stage(name: str) -> Iterator[Callable[[str], None]]:
    """Run the body of stage `name`; it reports what it wrote through the yielded function.

    Holds the workspace's lock meanwhile. Prints one closing line with the report and the seconds
    taken. An EmotionSlmError, or a want of memory, is printed without a traceback and ends the
    process with status 1. Of several processes that run one stage together, the first does both.
    """
    # numpy comes with it, which `emotion-slm --help` does without.
    from emotion_slm.common.files import remove_unfinished

    first = rank() == 0
    reports: list[str] = []
    started = time.monotonic()
    try:
        _require_own_code()
        with exclusive(SCRATCH / "stage.lock") if first else nullcontext():
            if first:
                remove_unfinished(METRICS)  # DVC deletes the stage's own outputs, and not these
            yield reports.append
    except EmotionSlmError as error:
        fail(f"{name}: {error}")
    except Exception as error:
        if not out_of_memory(error):
            raise
        reason = str(error) or "refused"
        fail(
            f"{name}: not enough memory ({reason}); end other programs, or lower the stage's "
            "batch_size in params.yaml, and run `dvc repro` again: finished stages are kept"
        )
    if not first:
        return
    seconds = time.monotonic() - started
    console.print(f"[bold green]{name}[/]: ", end="")
    console.print(f"{'; '.join(reports)} ({seconds:.1f} s)", markup=False, soft_wrap=True)


def _require_own_code() -> None:
    """DVC records the source files of the workspace, so those must be the ones that run.

    In a queued experiment's folder, an editable install still means the repository it was made in.
    """
    own, running = Path("src/emotion_slm"), Path(__file__).parents[1]
    if own.is_dir() and not own.samefile(running):
        raise EmotionSlmError(
            f"this would run the code in {running}, while DVC records that of {own.resolve()}; "
            "set PYTHONPATH=src, as `make sweep` does"
        )


def fail(message: str) -> None:
    """Print `message` as an error and exit with status 1."""
    console.print("[bold red]error[/] ", end="")
    console.print(message, markup=False, soft_wrap=True)
    sys.exit(1)


class Advance(Protocol):
    """Moves a bar by an amount, and says beside it how things stand."""

    def __call__(self, amount: float, note: str = "") -> None: ...


@contextmanager
def progress(description: str, total: float | None, shown: bool = True) -> Iterator[Advance]:
    """Show a bar with ETA on a terminal, nothing elsewhere; the yielded function advances it.

    With `total=None` it only shows that work goes on, and for how long. It leaves no trace.
    """
    measured = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *(measured if total is not None else ()),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    hidden = not (shown and console.is_terminal)
    with Progress(
        *columns,
        console=console,
        disable=hidden,
        transient=True,
        speed_estimate_period=SPEED_SECONDS,
    ) as bar:
        task = bar.add_task(description, total=total, note="")

        def advance(amount: float, note: str = "") -> None:
            bar.update(task, advance=amount, note=note)

        yield advance
