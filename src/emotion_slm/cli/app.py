"""The command line, `emotion-slm`: its commands put together."""

import sys
from collections.abc import Callable
from functools import wraps
from io import TextIOWrapper

import typer

from emotion_slm.cli.corpus import check, corpus, new
from emotion_slm.cli.explaining import explain
from emotion_slm.cli.model import export, lineage, pull, push
from emotion_slm.cli.monitoring import monitor
from emotion_slm.cli.results import audit, report, review
from emotion_slm.cli.scoring import predict, silence
from emotion_slm.cli.serving import serve
from emotion_slm.cli.workspace import disk, fsck
from emotion_slm.common.console import fail
from emotion_slm.common.errors import NO_SPACE

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Find emotions in texts; check, compare and publish the model that does."""
    # A terminal of another encoding gets question marks for what it cannot show, not a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def saying_what_lacks(command: Callable[..., None]) -> Callable[..., None]:
    """The command, which names the extra that brings a package it lacks, and tells when there is no
    space for what it prints."""

    @wraps(command)
    def run(*args, **options) -> None:
        try:
            command(*args, **options)
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("emotion_slm"):
                raise
            fail(
                f"{error.name} is not installed, which `emotion-slm {command.__name__}` needs; "
                'install the extra `train`, in a clone by `pip install ".[train]"`'
            )
        except OSError as error:
            if error.errno not in NO_SPACE or error.filename:
                raise
            silence(sys.stdout)
            fail(
                f"standard output could not be written ({error.strerror}); free some space there "
                "and run the command again"
            )

    return run


for command in (
    predict, explain, monitor, serve, pull, export, push, lineage, audit, report, review, fsck,
    disk,
):  # fmt: skip
    app.command()(saying_what_lacks(command))
for command in (new, check):
    corpus.command()(saying_what_lacks(command))
app.add_typer(corpus, name="corpus")


if __name__ == "__main__":
    app()
