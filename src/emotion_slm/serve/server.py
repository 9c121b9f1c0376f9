"""One process that serves one model: an address, signals, an orderly end."""

import asyncio
import ipaddress
import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from emotion_slm.common.errors import EmotionSlmError

CONNECTIONS = 900  # of the 1,024 files that a process may usually open
HEAD_BYTES = 16_384
HEAD_SECONDS = 10  # for a connection's first request to come in, its body aside
# From an answer to the next request; a proxy must be the first to give up, and nginx's takes 60.
IDLE_SECONDS = 75


def bind(host: str, port: int) -> socket.socket:
    """A socket at the address, not yet listening; EmotionSlmError where it cannot be had."""
    try:
        family, kind, protocol, _, address = _resolve(host, port)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise EmotionSlmError(
            f"--host {host} --port {port}: not to be had ({error.strerror}); is another program "
            "there? --port 0 takes a free one"
        ) from error
    return bound


def check_host(host: str, token: bool) -> None:
    """EmotionSlmError unless all of `host` is loopback, or a token is asked for."""
    try:
        addresses = {entry[4][0] for entry in _resolve(host, 0)}
    except OSError as error:
        raise EmotionSlmError(f"--host {host}: no such address ({error.strerror})") from error
    if not token and not all(ipaddress.ip_address(one).is_loopback for one in addresses):
        raise EmotionSlmError(
            f"--host {host}: others could reach it, and no token is asked for; give --token-file, "
            "or --no-token if something in front of it asks"
        )


def _resolve(host: str, port: int) -> list[tuple]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)


def use_threads(count: int) -> None:
    """Of the engine and the tokenizer, which take them when they are loaded."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    os.environ["RAYON_NUM_THREADS"] = str(count)


def serve(model: Path, bound: socket.socket, limits, token: str | None, started) -> None:
    """Load the model and answer until SIGTERM or SIGINT, then what is under way; again, at once.

    `started` is called with the address when requests are taken. EmotionSlmError when the model
    cannot be loaded.
    """
    from emotion_slm.serve.app import create_app
    from emotion_slm.serve.model import ServedModel

    app = create_app(ServedModel(model), limits, token)
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(limits.timeout) + 1,
    )
    asyncio.run(_answer(Server(config), app, bound, started))


async def _answer(server: "Server", app, bound: socket.socket, started) -> None:
    draining: list[asyncio.Task] = []  # a task that nothing refers to may be collected

    async def drain() -> None:
        await app.state.service.drain()
        server.should_exit = True

    def end() -> None:
        if draining:
            server.should_exit = server.force_exit = True
        draining.append(asyncio.create_task(drain()))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    answering = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not answering.done():
        await asyncio.sleep(0.01)
    if server.started:
        host, port = bound.getsockname()[:2]
        started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    await answering


class Server(uvicorn.Server):
    """One whose signals are `serve`'s: uvicorn's own end would not drain, nor with status 0."""

    @contextmanager
    def capture_signals(self):
        yield


class Protocol(H11Protocol):
    """Closes a connection on which a request's head does not come in; uvicorn waits for ever."""

    head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._await_head(HEAD_SECONDS)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_head(IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.head_timer.cancel()

    def _await_head(self, seconds: float) -> None:
        if self.head_timer:
            self.head_timer.cancel()
        self.head_timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
