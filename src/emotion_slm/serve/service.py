"""A request's texts on their way: checked, queued, scored, counted; given up when nobody waits."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from starlette.requests import Request

from emotion_slm.scoring.label_groups import ALL
from emotion_slm.serve.batcher import Batcher, Job
from emotion_slm.serve.limits import Limits, RefusedError, check_texts, client_gone
from emotion_slm.serve.metrics import Metrics
from emotion_slm.serve.model import ServedModel


class Scored(NamedTuple):
    """Of n texts: (n, labels) probabilities, whether each was cut, and by the numbers of those that
    could not be scored, whose rows are zeros, the reason."""

    probabilities: np.ndarray
    truncated: list[bool]
    errors: dict[int, str]


class Service:
    """A model, its queue, and whether it still takes requests."""

    def __init__(self, model: ServedModel, limits: Limits):
        self.model = model
        self.limits = limits.checked()
        self.metrics = Metrics(model.labels)
        self.batcher = Batcher(model, limits, self.metrics)
        self.draining = False

    def check_live(self) -> None:
        """RefusedError, 503, when no batch is computed any more."""
        if not self.batcher.alive:
            raise RefusedError(503, "dead", "no batch is computed any more")

    def check_ready(self) -> None:
        """RefusedError, 503, when no request is taken."""
        if self.draining or not self.batcher.alive:
            raise draining()

    async def drain(self) -> None:
        """Take no request any more, and wait until those taken are answered."""
        self.draining = True
        await self.batcher.empty.wait()

    async def score(self, request: Request, texts: Sequence[Any]) -> Scored:
        """RefusedError: 413 too many, 429 no room, 503 draining, 504 too late, 499 nobody waits."""
        if self.draining:
            raise draining()
        check_texts(texts, self.limits.max_texts)
        places = [place for place, text in enumerate(texts) if isinstance(text, str)]
        errors = {
            place: f"not a string but {_kind(text)}"
            for place, text in enumerate(texts)
            if not isinstance(text, str)
        }
        scored = Scored(
            np.zeros((len(texts), len(self.model.labels))), [False] * len(texts), errors
        )
        if places:
            job = self.batcher.enter([texts[place] for place in places])
            await self._answered(request, job)
            for place, size, answer in zip(places, job.sizes, job.answers, strict=True):
                if isinstance(answer, np.ndarray):
                    scored.probabilities[place] = answer
                    scored.truncated[place] = size.truncated
                else:
                    errors[place] = "the model could not score it"
        self._count(scored)
        return scored

    async def _answered(self, request: Request, job: Job) -> None:
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait(
                {job.done, gone}, timeout=self.limits.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if job.done.done():
                return
            if gone.done():
                raise client_gone()
            message = f"not answered within {self.limits.timeout:g} s"
            raise RefusedError(504, "deadline", message)
        finally:
            gone.cancel()
            self.batcher.leave(job)

    def _count(self, scored: Scored) -> None:
        good = [place for place in range(len(scored.truncated)) if place not in scored.errors]
        probabilities = scored.probabilities[good]
        given = self.model.groups[ALL].reached(probabilities, self.model.thresholds, None)
        self.metrics.scored(probabilities, given)
        self.metrics.texts.labels("failed").inc(len(scored.errors))
        self.metrics.truncated.inc(sum(scored.truncated))


def draining() -> RefusedError:
    return RefusedError(503, "draining", "shutting down", {"Connection": "close"})


async def _disconnected(request: Request) -> None:
    """Returns when the client has gone; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
