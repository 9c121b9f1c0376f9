"""Texts of many requests scored together, in batches of bounded tokens, from a bounded queue."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import numpy as np

from emotion_slm.serve.limits import Limits, RefusedError
from emotion_slm.serve.metrics import Metrics
from emotion_slm.serve.model import Size

# Of short comments some fifty, a quarter of a second on one core: what a request that comes to an
# empty queue waits for at most. Where much waits, a batch is a part of it: texts of equal length
# are scored together, and the more there are to choose from, the less is padded.
BATCH_TOKENS = 1024
PART_OF_QUEUE = 8
RECENT = 0.2  # the last batch's part in the speed that Retry-After goes by


class Scores(Protocol):
    """What a batcher asks of a model, each from a thread of its own; an exception stands for a text
    that could not be read or scored."""

    def sizes(self, texts: Sequence[str]) -> list[Size | Exception]: ...

    def probabilities(self, texts: Sequence[str]) -> list[np.ndarray | Exception]: ...


class Job:
    """The texts of one request, and what is known of each; `done` once all are answered."""

    def __init__(self, texts: Sequence[str]):
        self.texts = texts
        self.entered = time.perf_counter()
        self.sizes: list[Size | Exception] = []
        self.answers: list[np.ndarray | Exception | None] = [None] * len(texts)
        self.next = 0  # the first text that no batch has yet
        self.unanswered = len(texts)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(self, place: int, answer: np.ndarray | Exception) -> None:
        self.answers[place] = answer
        self.unanswered -= 1
        if not self.unanswered and not self.done.done():
            self.done.set_result(None)


class Batcher:
    """All of it but the model runs in one event loop.

    A batch is taken as soon as the model is free: a lone request waits for nobody, and under load
    the next batch is what came during the last.
    """

    def __init__(self, model: Scores, limits: Limits, metrics: Metrics):
        self.model = model
        self.limits = limits
        self.metrics = metrics
        self.queue: deque[Job] = deque()
        self.waiting = 0  # texts accepted that no batch has yet
        self.unanswered = 0  # jobs
        self.seconds_per_text = 0.0
        self.task: asyncio.Task[None] | None = None
        metrics.queue_texts.set_function(lambda: self.waiting)

    def enter(self, texts: Sequence[str]) -> Job:
        """A job of at least one text; RefusedError, status 429, where there is no room for it."""
        delay = self.waiting * self.seconds_per_text
        if self.waiting + len(texts) > self.limits.max_queue or delay > self.limits.timeout:
            headers = {"Retry-After": str(max(1, math.ceil(delay)))}
            raise RefusedError(429, "queue_full", "too busy; try again", headers)
        job = Job(texts)
        self.waiting += len(texts)
        self.unanswered += 1
        self.empty.clear()
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(self.reader, self.model.sizes, texts)
        reading.add_done_callback(lambda read: self._read(job, read))
        job.done.add_done_callback(lambda _: self._left(job, reading))
        return job

    @property
    def alive(self) -> bool:
        """Whether batches are being computed."""
        return self.task is not None and not self.task.done()

    def leave(self, job: Job) -> None:
        """Nobody waits for it any more: what no batch has of it yet will not be computed."""
        job.done.cancel()

    def _read(self, job: Job, read: asyncio.Future) -> None:
        if job.done.done() or read.cancelled():
            return
        job.sizes = read.result()
        self.queue.append(job)
        self.filled.set()

    def _left(self, job: Job, reading: asyncio.Future) -> None:
        reading.cancel()
        if job.next < len(job.texts):
            with suppress(ValueError):  # its tokens are still being counted
                self.queue.remove(job)
            self.waiting -= len(job.texts) - job.next
            job.next = len(job.texts)
        self.unanswered -= 1
        if not self.unanswered:
            self.empty.set()

    @asynccontextmanager
    async def running(self):
        """Batches are computed while the block runs; all else is called in its event loop."""
        self.filled, self.empty = asyncio.Event(), asyncio.Event()
        self.empty.set()
        self.reader = ThreadPoolExecutor(1, "tokenizer")
        self.task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.reader.shutdown(cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "inference") as thread:
            while True:
                await self.filled.wait()
                batch = list(self._take())
                if not self.queue:
                    self.filled.clear()
                if not batch:
                    continue
                texts = [job.texts[place] for job, place in batch]
                began = time.perf_counter()
                self.metrics.batch_begins(
                    [began - job.entered for job, _ in batch],
                    sum(job.sizes[place].tokens for job, place in batch),
                )
                answers = await loop.run_in_executor(thread, self.model.probabilities, texts)
                self._took(time.perf_counter() - began, len(batch))
                for (job, place), answer in zip(batch, answers, strict=True):
                    job.answer(place, answer)

    def _take(self) -> Iterator[tuple[Job, int]]:
        """The oldest texts, up to BATCH_TOKENS or a part of all that wait, as their jobs and
        places; those that could not be read are answered on the way."""
        sizes = (size for job in self.queue for size in job.sizes[job.next :])
        waiting = sum(size.tokens for size in sizes if isinstance(size, Size))
        most, tokens = max(BATCH_TOKENS, waiting // PART_OF_QUEUE), 0
        while self.queue:
            job = self.queue[0]
            size: Any = job.sizes[job.next]
            if isinstance(size, Size):
                if tokens and tokens + size.tokens > most:
                    return
                tokens += size.tokens
                yield job, job.next
            job.next += 1
            self.waiting -= 1
            if job.next == len(job.texts):
                self.queue.popleft()
            if not isinstance(size, Size):
                job.answer(job.next - 1, size)

    def _took(self, seconds: float, texts: int) -> None:
        self.metrics.inference_seconds.observe(seconds)
        new = seconds / texts
        old = self.seconds_per_text or new
        self.seconds_per_text = (1 - RECENT) * old + RECENT * new
