"""Serving a trained model over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from emotion_slm.cli.scoring import ModelOption
from emotion_slm.common import paths
from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that requests must bring.")
    ] = None,
    no_token: Annotated[
        bool,
        typer.Option("--no-token", help="Ask for none, though others can reach the address."),
    ] = False,
    max_queue: Annotated[int, typer.Option(min=1, help="Texts that may wait.")] = 512,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts of one request.")] = 256,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds from a request to its answer.")
    ] = 30,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Of the engine; default: the cores this process may use."),
    ] = None,
    model: ModelOption = paths.CLASSIFIER,
) -> None:
    """Answer over HTTP: a page to try a sentence, POST /predict, metrics, the inference protocol.

    SIGTERM and Ctrl-C end it when the requests it has taken are answered; a second one at once.
    """
    if token_file and no_token:
        fail("give either --token-file or --no-token")
    try:
        from emotion_slm.scoring.cores import usable_cores
        from emotion_slm.serve import server
        from emotion_slm.serve.limits import Limits, read_token
    except ModuleNotFoundError as error:
        fail(f"{error.name} is not installed; install the extra `serve` of emotion-slm")
    try:
        limits = Limits(max_queue, max_texts, timeout).checked()
        token = read_token(token_file) if token_file else None
        server.check_host(host, bool(token) or no_token)
        server.use_threads(threads or usable_cores())
        with server.bind(host, port) as bound:
            server.serve(model, bound, limits, token, typer.echo)
    except EmotionSlmError as error:
        fail(str(error))
