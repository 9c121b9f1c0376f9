"""The command line, `emotion-slm`: its commands put together."""

import sys
from io import TextIOWrapper

import typer

from emotion_slm.cli.model import export, lineage, pull, push
from emotion_slm.cli.results import audit, report, review
from emotion_slm.cli.scoring import predict
from emotion_slm.cli.workspace import disk, fsck

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Leak-free emotion recognition with small language models."""
    # A terminal of another encoding gets question marks for what it cannot show, not a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


for command in (predict, pull, export, push, lineage, audit, report, review, fsck, disk):
    app.command()(command)


if __name__ == "__main__":
    app()
