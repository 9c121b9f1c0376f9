"""A real server on loopback: what clients do to it that an app asked in-process never sees."""

import asyncio
import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from support.service import GatedModel, metric, running

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.serve import server
from emotion_slm.serve.app import create_app
from emotion_slm.serve.limits import Limits

TOKEN = "0123456789abcdef"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def service(exported, tmp_path_factory):
    """`emotion-slm serve` of a tiny model, in a process of its own."""
    with running(exported) as started:
        yield started


def raw(address: str, *pieces: bytes, shut: bool = False) -> bytes:
    """What comes back on one connection to which the pieces are written; b"" where it is cut."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:
            return b""
        return received


def head(length: int, *more: str) -> bytes:
    lines = ["POST /predict HTTP/1.1", "Host: x", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, f"Content-Length: {length}", "\r\n"]).encode()


def assert_healthy(address: str) -> None:
    answer = httpx.post(f"{address}/predict", json={"texts": ["happy cat"]}, timeout=60)
    assert answer.status_code == 200 and "labels" in answer.json()["results"][0]


def test_many_clients_get_what_the_library_gives(service, exported):
    texts = [f"happy {n} " + "sad dog " * (n % 9) for n in range(120)]
    expected = EmotionClassifier.from_pretrained(exported).predict_proba(texts)

    def ask(place: int) -> list[float]:
        body = {"texts": texts[place : place + 2], "probabilities": True}
        answer = httpx.post(f"{service.address}/predict", json=body, timeout=60).json()
        return [list(result["probabilities"].values()) for result in answer["results"]]

    with ThreadPoolExecutor(8) as pool:
        for place, rows in zip(range(0, 120, 2), pool.map(ask, range(0, 120, 2)), strict=True):
            for row, right in zip(rows, expected[place : place + 2], strict=True):
                assert row == pytest.approx(right.tolist(), abs=1e-4)


def test_a_thousand_malformed_bodies(service):
    """Cut, mixed and damaged, none is answered by an error of the server, and it goes on."""
    choose = random.Random(0)
    good = json.dumps({"texts": ["happy", "ä😀"], "top_k": 2, "labels": "ekman"}).encode()
    statuses = set()
    with httpx.Client(base_url=service.address, headers=JSON, timeout=60) as client:
        for _ in range(1000):
            body = bytearray(good)
            for _ in range(choose.randrange(1, 4)):
                place = choose.randrange(len(body))
                kind = choose.randrange(4)
                if kind == 0:
                    del body[place:]
                elif kind == 1:
                    body[place] = choose.randrange(256)
                elif kind == 2:
                    body[place:place] = choose.choice(
                        [b"[", b"{", b'"', b"\\", b"\x00", b"\xff", b"1e999"]
                    )
                else:
                    body[place : place + 5] = b""
                body = body or bytearray(b" ")
            answer = client.post("/predict", content=bytes(body))
            statuses.add(answer.status_code)
            assert set(answer.json()) in ({"error"}, {"model", "results"})
    assert statuses == {200, 422}
    assert_healthy(service.address)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],  # TLS
        [b"GET\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"],
        [b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"],
        [b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000],
        [b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\n\r\n"],
        [b"\x00" * 100_000],
    ],
    ids=["tls", "no-target", "length", "many-headers", "huge-header", "path", "zeros"],
)
def test_what_is_no_request_is_cut_off(service, pieces):
    answer = raw(service.address, *pieces)
    assert answer[:12] in (b"HTTP/1.1 400", b"")
    assert_healthy(service.address)


def test_half_requests_harm_nobody(service):
    body = json.dumps({"texts": ["happy"]}).encode()
    host, port = service.address.removeprefix("http://").split(":")
    halves = [socket.create_connection((host, int(port))) for _ in range(50)]
    for count, half in enumerate(halves):
        half.sendall((head(len(body)) + body)[: 40 + 3 * count])
    assert_healthy(service.address)
    for half in halves:
        half.close()
    assert raw(service.address, head(len(body)), body[:5], shut=True)[:12] != b"HTTP/1.1 500"
    assert_healthy(service.address)


def test_a_body_in_pieces_is_put_together(service):
    body = json.dumps({"texts": ["happy"]}).encode()
    pieces = [bytes([byte]) for byte in body]
    assert raw(service.address, head(len(body), "Connection: close"), *pieces).startswith(
        b"HTTP/1.1 200"
    )


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(service):
    assert raw(service.address, head(10**12)).startswith(b"HTTP/1.1 413")
    chunked = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert raw(service.address, chunked, *[chunk] * 8)[:12] in (b"HTTP/1.1 413", b"")
    assert_healthy(service.address)


def test_requests_on_one_connection_keep_their_order(service):
    bodies = [json.dumps({"texts": ["happy"] * n}).encode() for n in (1, 2, 3)]
    requests = b"".join(head(len(body)) + body for body in bodies[:-1])
    last = head(len(bodies[-1]), "Connection: close") + bodies[-1]
    answers = raw(service.address, requests + last).split(b"HTTP/1.1 200")[1:]
    assert [answer.count(b"truncated") for answer in answers] == [1, 2, 3]


class Here:
    """A server with `model` in a thread of this process, on a free port of loopback."""

    def __init__(self, model, limits: Limits | None = None):
        self.app = create_app(model, limits or Limits())
        self.bound = server.bind("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.bound.getsockname()[1]}"
        config = uvicorn.Config(
            self.app, http=server.Protocol, lifespan="on", log_level="error", access_log=False
        )
        self.server = server.Server(config)

    def __enter__(self) -> "Here":
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.bound]})
        self.thread.start()
        self.until(lambda: self.server.started)
        return self

    def __exit__(self, *_) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.bound.close()

    def until(self, condition) -> None:
        while not condition():
            assert self.thread.is_alive()
            time.sleep(0.005)

    def metric(self, name: str) -> float:
        return metric(self.app.state.service.metrics.page().decode(), name)


def test_what_a_client_that_has_gone_asked_for_is_not_computed():
    model = GatedModel(open_gate=False)
    with Here(model) as here:
        host, port = here.address.removeprefix("http://").split(":")
        clients = []
        for text in ("first", "gone", "stays"):
            body = json.dumps({"texts": [text]}).encode()
            client = socket.create_connection((host, int(port)), timeout=60)
            client.sendall(head(len(body)) + body)
            clients.append(client)
            batcher = here.app.state.service.batcher
            expected = len(clients)
            here.until(lambda: batcher.unanswered == expected)  # noqa: B023
            model.began.wait(60)
        clients[1].close()
        here.until(lambda: here.metric('emotion_slm_rejected_total{reason="client_gone"}') == 1)
        model.gate.set()
        assert clients[2].recv(12) == b"HTTP/1.1 200"
        for client in clients:
            client.close()
    assert model.scored == [["first"], ["stays"]]


def test_slow_heads_and_bodies_are_cut_off(monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr("emotion_slm.serve.limits.BODY_SECONDS", 0.3)
    with Here(GatedModel()) as here:
        assert raw(here.address) == b""
        assert raw(here.address, b"GET / HTTP/1.1\r\nHo") == b""
        assert raw(here.address, head(50), b'{"te').startswith(b"HTTP/1.1 408")
        second = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\nGET /live HTT"
        assert raw(here.address, second).count(b"HTTP/1.1 200") == 1
        assert_healthy(here.address)


def test_a_slow_reader_does_not_hold_the_others_up():
    with Here(GatedModel()) as here:
        host, port = here.address.removeprefix("http://").split(":")
        body = json.dumps({"texts": ["x"] * 256, "probabilities": True}).encode()
        with socket.create_connection((host, int(port))) as reader:
            reader.sendall((head(len(body)) + body) * 20)  # and reads nothing
            for _ in range(5):
                assert_healthy(here.address)


def test_sigterm_answers_what_was_taken_and_ends_with_status_0(exported):
    with running(exported, "--timeout", "60") as started:
        texts = ["sad dog " * 30] * 64

        async def ask() -> list[int]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=started.address, limits=limits, timeout=60
            ) as client:
                asked = [
                    asyncio.create_task(client.post("/predict", json={"texts": texts}))
                    for _ in range(8)
                ]
                page = ""
                while metric(page, "emotion_slm_batch_texts_count") < 1:
                    page = (await client.get("/metrics")).text
                started.process.terminate()
                return [(await task).status_code for task in asked]

        statuses = asyncio.run(ask())
        assert started.process.wait(60) == 0
    # What had not been taken when the signal came is refused, not lost.
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 1


def test_ready_says_no_while_the_queue_drains():
    model = GatedModel(open_gate=False)
    with Here(model) as here, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(
            httpx.post, f"{here.address}/predict", json={"texts": ["x"]}, timeout=60
        )
        model.began.wait(60)
        drained = asyncio.run_coroutine_threadsafe(
            here.app.state.service.drain(), here.app.state.service.batcher.task.get_loop()
        )
        here.until(lambda: here.app.state.service.draining)
        assert httpx.get(f"{here.address}/ready").status_code == 503
        assert httpx.get(f"{here.address}/live").status_code == 200
        refused = httpx.post(f"{here.address}/predict", json={"texts": ["y"]})
        assert refused.status_code == 503
        assert not drained.done()
        model.gate.set()
        assert answer.result().status_code == 200
        drained.result(60)
    assert model.scored == [["x"]]


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(exported):
    with running(exported) as started:
        started.process.terminate()
        started.process.terminate()
        assert started.process.wait(60) == 0


def test_a_token_is_asked_for_over_the_wire(exported, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    with running(exported, "--token-file", str(tmp_path / "token")) as started:
        assert httpx.get(f"{started.address}/ready").status_code == 200
        asked = {"json": {"texts": ["x"]}, "timeout": 60}
        predict = f"{started.address}/predict"
        assert httpx.post(predict, **asked).status_code == 401
        right = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.post(predict, **asked, headers=right).status_code == 200
        assert started.stop() == 0
