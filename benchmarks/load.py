"""Requests against a service on loopback, from a process of its own: `python -m benchmarks.load`.

Reads a task as JSON from standard input and prints what came of it as JSON. Every answer is kept,
and compared with what the file gave after the clock has stopped.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

GONE = 0  # the status of a request whose connection was cut


class Answer(NamedTuple):
    """To the request of number `request`: its status, when it was sent and answered, its body."""

    request: int
    status: int
    sent: float
    answered: float
    body: bytes


class Client:
    """Connections to one address, each for one request at a time, used again where they stay."""

    def __init__(self, host: str, port: int, bodies: Sequence[bytes]):
        self.address = host, port
        self.requests = [
            f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
            for body in bodies
        ]
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, number: int) -> Answer:
        request = number % len(self.requests)
        sent = time.perf_counter()
        try:
            reader, writer = await self._connection()
            writer.write(self.requests[request])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        except (OSError, EOFError, asyncio.IncompleteReadError):
            return Answer(request, GONE, sent, time.perf_counter(), b"")
        if b"connection: close" in head:
            writer.close()
        else:
            self.idle.append((reader, writer))
        return Answer(request, status, sent, time.perf_counter(), body)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
        return await asyncio.open_connection(*self.address, limit=2**22)


async def closed(client: Client, clients: int, seconds: float, most: int) -> list[Answer]:
    """Each of `clients` asks as soon as it is answered, for `seconds`, `most` requests in all."""
    answers: list[Answer] = []
    end, numbers = time.perf_counter() + seconds, iter(range(most))

    async def one() -> None:
        while time.perf_counter() < end and (number := next(numbers, None)) is not None:
            answers.append(await client.ask(number))

    await asyncio.gather(*(one() for _ in range(clients)))
    return answers


async def steady(client: Client, rate: float, seconds: float) -> list[Answer]:
    """`rate` requests a second whatever becomes of them, for `seconds`."""
    began, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, began + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(client.ask(number)))
    return list(await asyncio.gather(*tasks))


def summary(answers: Sequence[Answer], texts: int) -> dict[str, Any]:
    """Statuses, texts a second, and milliseconds at p50, p95 and p99, of what was answered."""
    good = [answer for answer in answers if answer.status == 200]
    span = max(one.answered for one in answers) - min(one.sent for one in answers)
    taken = [1000 * (one.answered - one.sent) for one in good] or [float("nan")]
    p50, p95, p99 = np.percentile(taken, [50, 95, 99])
    return {
        "statuses": dict(Counter(str(answer.status) for answer in answers)),
        "texts_per_second": len(good) * texts / span,
        "p50": p50, "p95": p95, "p99": p99,
    }  # fmt: skip


def wrong(answers: Sequence[Answer], expected: list[list[dict]], tolerance: float) -> int:
    """Texts answered otherwise than by the file: probabilities off by more than `tolerance`."""
    count = 0
    for answer in answers:
        if answer.status == 200:
            results = json.loads(answer.body)["results"]
            for result, right in zip(results, expected[answer.request], strict=True):
                count += not alike(result.get("probabilities"), right, tolerance)
    return count


def alike(given: dict | None, right: dict, tolerance: float) -> bool:
    return given is not None and all(
        abs(given[label] - value) <= tolerance for label, value in right.items()
    )


def main() -> None:
    task = json.load(sys.stdin)
    bodies = [json.dumps({"texts": texts} | task["fields"]).encode() for texts in task["requests"]]
    client = Client("127.0.0.1", task["port"], bodies)
    if rate := task.get("rate"):
        answers = asyncio.run(steady(client, rate, task["seconds"]))
    else:
        answers = asyncio.run(closed(client, task["clients"], task["seconds"], task["most"]))
    found = summary(answers, len(task["requests"][0]))
    if expected := task.get("expected"):
        found["wrong"] = wrong(answers, expected, task["tolerance"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
