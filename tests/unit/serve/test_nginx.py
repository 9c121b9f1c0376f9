"""The example of nginx before two replicas, as docs/use/serving.md gives it, run on loopback."""

import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.service import metric, running

CONFIG = Path(__file__).parents[3] / "configs/serving/nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def nginx(folder: Path, ports: dict[str, int]):
    """The address of nginx with the example's configuration, its ports replaced."""
    config = CONFIG.read_text()
    for given, port in ports.items():
        assert config.count(given) == 1
        config = config.replace(given, f"127.0.0.1:{port}")
    (folder / "nginx.conf").write_text(config)
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "user root;"]
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{ports['127.0.0.1:8080']}"
    try:
        while True:
            assert process.poll() is None, "nginx has ended"
            try:
                httpx.get(f"{address}/live")
                break
            except httpx.ConnectError:
                time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait()


def assert_same(answer: dict, other: dict) -> None:
    """By the same model, whichever texts stood beside them in a batch."""
    assert answer["model"] == other["model"]
    for result, right in zip(answer["results"], other["results"], strict=True):
        assert result["probabilities"] == pytest.approx(right["probabilities"], abs=2e-4)


@pytest.mark.slow
def test_two_replicas_share_requests_and_one_may_be_killed(exported, tmp_path):
    ports = {place: free_port() for place in ("127.0.0.1:8080", "127.0.0.1:8001", "127.0.0.1:8002")}
    first, second = str(ports["127.0.0.1:8001"]), str(ports["127.0.0.1:8002"])
    with (
        running(exported, "--port", first) as one,
        running(exported, "--port", second) as two,
        nginx(tmp_path, ports) as address,
    ):

        def ask(number: int) -> dict:
            body = {"texts": [f"happy {number}", "sad"], "probabilities": True}
            answer = httpx.post(f"{address}/predict", json=body, timeout=60)
            assert answer.status_code == 200, answer.text
            return answer.json()

        with ThreadPoolExecutor(8) as pool:
            before = list(pool.map(ask, range(100)))
            served = 'emotion_slm_requests_total{route="/predict",status="200"}'
            shares = [
                metric(httpx.get(f"{replica.address}/metrics").text, served)
                for replica in (one, two)
            ]
            assert sum(shares) == 100 and min(shares) > 0
            later = pool.map(ask, range(100))
            two.process.kill()
            for answer, first_answer in zip(later, before, strict=True):
                assert_same(answer, first_answer)
        with running(exported, "--port", second):
            assert_same(ask(0), before[0])
        assert one.stop() == 0
        assert httpx.get(f"{address}/ready").status_code == 502
