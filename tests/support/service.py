"""The service for tests: its app asked without a socket, and `emotion-slm serve` on loopback."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np

from emotion_slm.serve.model import Size, label_groups, one_by_one
from support.labels import GOEMOTIONS, LABELS

START_SECONDS = 120  # for a busy machine


class GatedModel:
    """A model that scores only while its gate is open; of a text the first probability is its
    length / 1000. Texts that begin with "unreadable" or "poison" fail in one of its two ways."""

    labels = LABELS
    groups = label_groups(GOEMOTIONS)
    thresholds = np.full(len(LABELS), 0.5)
    digest = "ab" * 32

    def __init__(self, open_gate: bool = True):
        self.gate = threading.Event()
        self.began = threading.Event()
        self.scored: list[list[str]] = []
        if open_gate:
            self.gate.set()

    def sizes(self, texts: Sequence[str]) -> list[Size | Exception]:
        return one_by_one(self._sizes, texts)

    def _sizes(self, texts: Sequence[str]) -> list[Size]:
        if any(text.startswith("unreadable") for text in texts):
            raise ValueError("cannot be read")
        return [Size(len(text), False) for text in texts]

    def probabilities(self, texts: Sequence[str]) -> list[np.ndarray | Exception]:
        self.began.set()
        assert self.gate.wait(60)
        return one_by_one(self._probabilities, texts)

    def _probabilities(self, texts: Sequence[str]) -> list[np.ndarray]:
        self.scored.append(list(texts))
        if any(text.startswith("poison") for text in texts):
            raise RuntimeError("cannot be scored")
        return [np.array([len(text) / 1000] + [0.25] * (len(LABELS) - 1)) for text in texts]


def together(app, *requests: dict, then: Callable = lambda: None) -> list[httpx.Response]:
    """The answers of `app` to requests made at the same time; the keys are those of httpx.

    `then` is called when all are answered, before the app ends.
    """

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as client,
        ):
            answers = await asyncio.gather(*(client.request(**request) for request in requests))
            then()
            return answers

    return asyncio.run(ask())


def one(app, method: str, url: str, **options) -> httpx.Response:
    """The answer to one request."""
    return together(app, {"method": method, "url": url, **options})[0]


def predict(texts: list, **fields) -> dict:
    """A request for `together`."""
    content = json.dumps({"texts": texts, **fields})  # httpx's own takes no half surrogate pair
    headers = {"content-type": "application/json"}
    return {"method": "POST", "url": "/predict", "content": content, "headers": headers}


class Running(NamedTuple):
    """A server process and its address."""

    process: subprocess.Popen
    address: str

    def stop(self) -> int:
        """Its exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_SECONDS)


@contextmanager
def running(model: Path, *options: str) -> Iterator[Running]:
    """`emotion-slm serve` on a free port of loopback, one thread, killed at the end if need be."""
    command = [sys.executable, "-m", "emotion_slm.cli.app", "serve", "--model", str(model)]
    process = subprocess.Popen(
        [*command, "--threads", "1", *(() if "--port" in options else ("--port", "0")), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), f"it ended with status {process.wait()}"
        yield Running(process, address)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def metric(page: str, name: str) -> float:
    """The value of the series `name`, labels and all, on a metrics page; 0 without it."""
    values = [line.split(" ")[-1] for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(values[0]) if values else 0.0
