"""What Prometheus reads at /metrics: the service's load, and the emotions that pass through it."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)

disable_created_metrics()  # a second series for each, which few read


class Metrics:
    """Those of one app, in a registry of their own."""

    def __init__(self, labels: Sequence[str]):
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def made(kind, name: str, words: str, *names: str, **options):
            return kind(f"emotion_slm_{name}", words, names, registry=registry, **options)

        self.requests = made(Counter, "requests", "Requests answered.", "route", "status")
        self.request_seconds = made(
            Histogram, "request_seconds", "From head to answer.", "route", buckets=SECONDS
        )
        self.rejected = made(Counter, "rejected", "Requests refused.", "reason")
        self.queue_texts = made(Gauge, "queue_texts", "Texts accepted and not yet in a batch.")
        self.queue_seconds = made(
            Histogram, "queue_seconds", "From acceptance to a batch, of each text.", buckets=SECONDS
        )
        self.batch_texts = made(Histogram, "batch_texts", "Texts of a batch.", buckets=TEXTS)
        self.batch_tokens = made(Histogram, "batch_tokens", "Tokens of a batch.", buckets=TOKENS)
        self.inference_seconds = made(
            Histogram, "inference_seconds", "Of a batch in the engine.", buckets=SECONDS
        )
        self.texts = made(Counter, "texts", "Texts answered: scored, or failed.", "outcome")
        self.truncated = made(Counter, "truncated_texts", "Texts longer than the model reads.")
        self.probability = made(
            Counter, "label_probability", "Sum of calibrated probabilities.", "label"
        )
        self.given = made(Counter, "label_given", "Texts that are given the label.", "label")
        self._probability = [self.probability.labels(label) for label in labels]
        self._given = [self.given.labels(label) for label in labels]

    def batch_begins(self, waited: Sequence[float], tokens: int) -> None:
        self.batch_texts.observe(len(waited))
        self.batch_tokens.observe(tokens)
        for seconds in waited:
            self.queue_seconds.observe(seconds)

    def scored(self, probabilities: np.ndarray, given: np.ndarray) -> None:
        """(n, labels) probabilities of texts that are answered, and which labels they are given."""
        self.texts.labels("scored").inc(len(probabilities))
        sums = probabilities.sum(axis=0).tolist()
        counts = given.sum(axis=0).tolist()
        for counter, value in zip(self._probability, sums, strict=True):
            counter.inc(value)
        for counter, value in zip(self._given, counts, strict=True):
            counter.inc(value)

    def page(self) -> bytes:
        return generate_latest(self.registry)


class Observed:
    """ASGI middleware that counts and times requests, by the route that they matched."""

    def __init__(self, app, metrics: Metrics, clock: Callable[[], float] = time.perf_counter):
        self.app = app
        self.metrics = metrics
        self.clock = clock

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = self.clock(), 500

        async def observed(message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            route = getattr(scope.get("route"), "path", "other")  # paths are of any number
            self.metrics.requests.labels(route, status).inc()
            self.metrics.request_seconds.labels(route).observe(self.clock() - began)
