"""A pool of actors on a Ray cluster, or on a Ray that is started here; of the extra `ray`."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError

from emotion_slm.bulk.pool import Outcome, lost
from emotion_slm.bulk.units import Job
from emotion_slm.bulk.worker import Failure, Worker, name_of
from emotion_slm.common.errors import EmotionSlmError

GONE_SECONDS = 10  # that actors killed are waited for
FAILED_STARTS = 20  # of actors, one after the other: then no machine can run them


class _Call(NamedTuple):
    """What an actor is asked: to say that it is there, if there is no task, or for an item."""

    actor: Any
    task: str | None = None
    item: Any = None
    attempts: int = 0


class RayPool:
    """`workers` actors of one CPU each; what travels is the names of units and their counts.

    Only an actor that has answered gets an item, so that none waits for a CPU that a lost node had.
    Ray restarts nothing by itself: who is lost is replaced here, and Ray finds the node.
    """

    def __init__(self, job: Job, workers: int | None, address: str | None):
        self.job = job
        self.wanted = workers
        self.address = address
        self.calls: dict[ray.ObjectRef, _Call] = {}
        self.actors: list[Any] = []
        self.idle: list[Any] = []
        self.failed_starts = 0

    def __enter__(self) -> "RayPool":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
        self.started = not ray.is_initialized()
        if self.started:
            self._connect()
        self.workers = self.wanted or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self.actor_class = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)
        return self

    def __exit__(self, *_) -> None:
        try:
            self.end()
        finally:
            if self.started:
                ray.shutdown()

    def run(self, task: str, items: Sequence[Any]) -> Iterator[Outcome]:
        while len(self.actors) < self.workers:
            self._create()
        queue = deque((item, 0) for item in items)
        while queue or any(call.task for call in self.calls.values()):
            while queue and self.idle:
                item, attempts = queue.popleft()
                self._ask(_Call(self.idle.pop(), task, item, attempts))
            for answer in ray.wait(list(self.calls))[0]:
                call = self.calls.pop(answer)
                try:
                    result = ray.get(answer)
                except RayError as error:
                    self._replace(call.actor)
                    if not call.task:
                        self._count_failed_start(error)
                        continue
                    if reason := lost(call.attempts + 1):
                        yield Outcome(
                            call.item, Failure(f"{name_of(call.item)}: {reason} ({error})")
                        )
                    else:
                        queue.appendleft((call.item, call.attempts + 1))
                    continue
                self.idle.append(call.actor)
                self.failed_starts = 0
                if call.task:
                    yield Outcome(call.item, result)

    def end(self) -> None:
        for actor in self.actors:
            with suppress(RayError):
                ray.kill(actor)
        answers = list(self.calls)
        if answers:  # each fails when Ray knows that its actor has gone
            with suppress(RayError):
                ray.wait(answers, num_returns=len(answers), timeout=GONE_SECONDS)
        self.actors.clear()
        self.idle.clear()
        self.calls.clear()

    def _connect(self) -> None:
        """To the cluster, or to a Ray of this machine's own that is started for it."""
        if not self.address:
            local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
            ray.init(address="local", num_cpus=self.wanted, log_to_driver=False, **local)
            return
        try:
            ray.init(address=self.address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EmotionSlmError(
                f"--address {self.address}: no Ray cluster there ({error}); start one with "
                "`ray start --head`, or leave the option out"
            ) from error

    def _count_failed_start(self, error: RayError) -> None:
        self.failed_starts += 1
        if self.failed_starts == FAILED_STARTS:
            raise EmotionSlmError(
                f"no machine of the Ray cluster can start a worker ({error}); install emotion-slm "
                "on all of them"
            )

    def _create(self) -> None:
        self.actors.append(self.actor_class.remote(self.job))
        self._ask(_Call(self.actors[-1]))

    def _replace(self, actor: Any) -> None:
        with suppress(RayError):
            ray.kill(actor)  # it may be out of reach for a while, and still at work
        self.actors.remove(actor)
        self._create()

    def _ask(self, call: _Call) -> None:
        actor = call.actor
        answer = actor.do.remote(call.task, call.item) if call.task else actor.here.remote()
        self.calls[answer] = call
