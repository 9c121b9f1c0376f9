"""The deployment in a Ray of one machine; skipped where Ray, a heavy extra, is not installed."""

import socket

import httpx
import pytest
from support.service import metric

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.classifier import EmotionClassifier

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    """Of Ray Serve's proxy on loopback."""
    from ray import serve

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    local = {"_node_ip_address": "127.0.0.1", "include_dashboard": False, "log_to_driver": False}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
        ray.init(num_cpus=2, **local)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    yield f"http://127.0.0.1:{port}"
    serve.shutdown()
    ray.shutdown()


def test_replicas_answer_as_the_library_does(address, exported, tmp_path):
    from ray import serve

    from emotion_slm.serve.ray_serve import Settings, build

    (tmp_path / "token").write_text("0123456789abcdef")
    settings = Settings(model=exported, replicas=2, token_file=tmp_path / "token")
    serve.run(build(settings), name="emotions", route_prefix="/")
    headers = {"authorization": "Bearer 0123456789abcdef"}
    texts = ["happy cat", "sad dog"]
    expected = EmotionClassifier.from_pretrained(exported).predict_proba(texts)
    with httpx.Client(base_url=address, timeout=120, headers=headers) as client:
        assert client.get("/ready").status_code == 200
        answer = client.post("/predict", json={"texts": texts, "probabilities": True}).json()
        for result, row in zip(answer["results"], expected, strict=True):
            values = list(result["probabilities"].values())
            assert values == pytest.approx(row.tolist(), abs=1e-4)
        assert client.post("/predict", json={"texts": 1}).status_code == 422
        assert metric(client.get("/metrics").text, "emotion_slm_queue_texts") == 0
    assert httpx.get(f"{address}/info", timeout=120).status_code == 401


def test_settings_are_checked(tmp_path):
    from pydantic import ValidationError

    from emotion_slm.serve.ray_serve import Settings, build

    # As `serve run … key=value` gives them.
    assert Settings.model_validate({"model": "m", "threads": "2"}).threads == 2
    with pytest.raises(ValidationError, match="modle"):
        Settings.model_validate({"model": "m", "modle": "m"})
    with pytest.raises(EmotionSlmError, match="max-queue"):
        build(Settings(model=tmp_path, max_queue=2))
