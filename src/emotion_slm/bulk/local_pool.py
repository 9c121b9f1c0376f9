"""A pool of processes on this machine."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from emotion_slm.bulk.pool import Outcome, lost
from emotion_slm.bulk.units import Job
from emotion_slm.bulk.worker import Failure, Worker, name_of
from emotion_slm.scoring.cores import usable_cores

# A fork would take over the parent's threads' locks.
CONTEXT = multiprocessing.get_context("spawn")


class LocalPool:
    """`workers` processes, each with one thread and its own model.

    An idle one gets the next item, so that nobody waits for the slowest.
    """

    def __init__(self, job: Job, workers: int | None):
        self.job = job
        self.workers = workers or usable_cores()
        self.idle: list[_Process] = []
        self.busy: dict[Connection, tuple[_Process, Any, int]] = {}

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def end(self) -> None:
        for process in (*self.idle, *(process for process, _, _ in self.busy.values())):
            process.end()
        self.idle.clear()
        self.busy.clear()

    def run(self, task: str, items: Sequence[Any]) -> Iterator[Outcome]:
        queue = deque((item, 0) for item in items)
        while queue or self.busy:
            while queue and len(self.busy) < self.workers:
                process = self.idle.pop() if self.idle else _Process(self.job)
                item, attempts = queue.popleft()
                self.busy[process.pipe] = process, item, attempts
                with suppress(OSError):  # it has died; its pipe tells below
                    process.pipe.send((task, item))
            for pipe in wait(list(self.busy)):
                process, item, attempts = self.busy.pop(pipe)
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    process.end()
                    if reason := lost(attempts + 1):
                        yield Outcome(item, Failure(f"{name_of(item)}: {reason}"))
                    else:
                        queue.appendleft((item, attempts + 1))
                    continue
                self.idle.append(process)
                yield Outcome(item, result)


class _Process:
    """A worker's process, and the pipe to it; it ends when the pipe does."""

    def __init__(self, job: Job):
        self.pipe, other = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_work, args=(job, other), daemon=True)
        self.process.start()
        other.close()

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _work(job: Job, pipe: Connection) -> None:
    # Ctrl-C goes to all processes of a terminal; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(job)
    while True:
        try:
            task, item = pipe.recv()
        except EOFError:
            return
        pipe.send(worker.do(task, item))
