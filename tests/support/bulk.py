"""Many files scored in one process, a stub in the model's place."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from emotion_slm.bulk.pool import Outcome
from emotion_slm.bulk.run import Summary, score_files
from emotion_slm.bulk.storage import locate
from emotion_slm.bulk.units import Job
from emotion_slm.bulk.worker import Failure, Worker, scratch_of
from emotion_slm.scoring.formats import Format
from emotion_slm.scoring.plan import Options
from support.labels import LABELS
from support.scorer import StubScorer


class Scorer(StubScorer):
    package = SimpleNamespace(onnx="int8")


class StubWorker(Worker):
    """Loads nothing; `scored` are the units that it was asked for."""

    def __init__(self, job: Job):
        super().__init__(job)
        self.classifier = Scorer()
        self.scored: list[str] = []

    def load(self, _: None) -> str:
        return "a stub"

    def score(self, unit):
        self.scored.append(unit.name)
        return super().score(unit)


class SerialPool:
    """One worker, in this process."""

    workers = 1

    def __init__(self, job: Job):
        self.worker = StubWorker(job)

    def __enter__(self) -> "SerialPool":
        return self

    def __exit__(self, *_) -> None: ...

    def run(self, task: str, items: Sequence[Any]) -> Iterator[Outcome]:
        for item in items:
            yield Outcome(item, self.worker.do(task, item))

    def end(self) -> None: ...


def make_job(output: Path | str, reading: Format, **changes) -> Job:
    """A job of GoEmotions' labels; `changes` of its options, or of the job itself."""
    own = {key: changes.pop(key) for key in ("digest", "writing") if key in changes}
    options = Options(**changes)
    job = {
        "output": str(output),
        "options": options,
        "reading": reading,
        "writing": Format.CSV if reading is Format.LINES else reading,
        "results": ("labels", *LABELS),
        "model": "models/stub",
        "digest": "0" * 64,
        "device": None,
        "run": "test",
    }
    return Job(**job | own)


def score_stubbed(uris: Sequence[Path | str], job: Job, **options) -> tuple[Summary, list[str]]:
    """What became of the files, and the names of the units that were scored now."""
    pool = SerialPool(job)
    done = score_files([str(uri) for uri in uris], job, pool, **options)
    return done, pool.worker.scored


def wait_for(happened: Callable[[], Any], seconds: float = 120) -> None:
    """Until `happened`; AssertionError if it does not in so many seconds."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def restless_work(job: Job, pipe) -> None:
    """In a worker's place: one unit fails, of another it writes as long as its parent lives."""
    worker, parent = StubWorker(job), os.getppid()
    while True:
        task, item = pipe.recv()
        if task != "score":
            pipe.send(worker.do(task, item))
        elif item.range.start == 0:
            pipe.send(Failure("the first unit"))
        else:
            while os.getppid() == parent:
                with suppress(OSError):  # it was cleared away meanwhile
                    (scratch_of(locate(job.output), job) / uuid4().hex).mkdir(parents=True)


def dying_work(job: Job, pipe) -> None:
    """In a worker's place: dies of the items called "poison", and of others once."""
    while True:
        _, item = pipe.recv()
        died = Path(job.output) / f"{item}.died"
        if item == "poison" or not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        pipe.send(f"{item} done")
