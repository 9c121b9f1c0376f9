"""Long drills of a server on loopback: its memory under load, and its death under load."""

import os
import random
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from support.service import metric, running

from emotion_slm.scoring.classifier import EmotionClassifier

MINUTES = 10
CLIENTS = 8
MOST = 500_000  # requests of a drill
TEXTS = [f"happy {n} " + "sad dog " * (n % 30) for n in range(500)]

pytestmark = pytest.mark.drill


class Load:
    """Clients that ask without a pause, and compare each answer with the library's."""

    def __init__(self, address: str, expected):
        self.address, self.expected = address, expected
        self.over = threading.Event()
        self.answered = self.cut = 0
        self.wrong: list[str] = []
        self.threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    def _ask(self, seed: int) -> None:
        choose = random.Random(seed)
        with httpx.Client(base_url=self.address, timeout=60) as client:
            for _ in range(MOST // CLIENTS):
                if self.over.is_set():
                    return
                place = choose.randrange(len(TEXTS) - 8)
                body = {"texts": TEXTS[place : place + 8], "probabilities": True}
                try:
                    answer = client.post("/predict", json=body)
                except httpx.TransportError:
                    self.cut += 1
                    continue
                self.answered += 1
                rows = [list(one["probabilities"].values()) for one in answer.json()["results"]]
                if (
                    answer.status_code != 200
                    or abs(self.expected[place : place + 8] - rows).max() > 1e-3
                ):
                    self.wrong.append(answer.text[:200])


@contextmanager
def loaded(address: str, expected):
    load = Load(address, expected)
    for thread in load.threads:
        thread.start()
    try:
        yield load
    finally:
        load.over.set()
        for thread in load.threads:
            thread.join()


@pytest.fixture(scope="module")
def expected(exported):
    return EmotionClassifier.from_pretrained(exported).predict_proba(TEXTS)


def test_memory_is_flat_under_load(exported, expected):
    seen = []
    with running(exported) as service, loaded(service.address, expected) as load:
        for _ in range(MINUTES):
            time.sleep(60)
            page = httpx.get(f"{service.address}/metrics", timeout=60).text
            seen.append(metric(page, "process_resident_memory_bytes") / 2**20)
        assert metric(page, "process_open_fds") < 100
    print(f"{load.answered:,} requests; MiB by minute: {', '.join(f'{one:.1f}' for one in seen)}")
    assert load.answered > 1000 and not load.wrong and not load.cut
    assert seen[-1] < 1.05 * seen[0], seen


def test_killed_under_load_it_starts_again_and_answers_nothing_wrongly(exported, expected):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    moments = random.Random(os.getpid())
    for _ in range(5):
        with running(exported, "--port", port) as service:
            with loaded(service.address, expected) as load:
                while load.answered < 50:
                    time.sleep(0.01)
                time.sleep(moments.random())
                service.process.kill()
                service.process.wait()
            assert load.cut and not load.wrong
