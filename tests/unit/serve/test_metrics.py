import asyncio
import logging

import httpx
import pytest
from support.labels import LABELS
from support.service import GatedModel, metric, predict

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.serve.app import create_app
from emotion_slm.serve.limits import Limits


def page_after(app, *requests: dict) -> str:
    """The metrics page after requests made one after the other."""

    async def ask() -> str:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as client,
        ):
            for request in requests:
                await client.request(**request)
            return (await client.get("/metrics")).text

    return asyncio.run(ask())


def test_emotions_are_summed_as_the_model_gives_them(app, exported):
    texts = ["happy cat", "sad dog", "angry"]
    page = page_after(app, predict(texts, threshold=1), predict(["happy"], labels="ekman"))
    classifier = EmotionClassifier.from_pretrained(exported)
    sums = classifier.probabilities([*texts, "happy"]).sum(axis=0)
    found = classifier.predict([*texts, "happy"])  # whatever threshold a request asks for
    assert any(found)
    for label, total in zip(LABELS, sums, strict=True):
        name = f'{{label="{label}"}}'
        assert metric(page, f"emotion_slm_label_probability_total{name}") == pytest.approx(total)
        given = sum(label in labels for labels in found)
        assert metric(page, f"emotion_slm_label_given_total{name}") == given
    assert metric(page, 'emotion_slm_texts_total{outcome="scored"}') == 4


def test_load_is_counted(app):
    page = page_after(app, predict(["happy cat", "the " * 400]), predict(["sad"]))
    assert metric(page, 'emotion_slm_requests_total{route="/predict",status="200"}') == 2
    assert metric(page, 'emotion_slm_request_seconds_count{route="/predict"}') == 2
    assert metric(page, "emotion_slm_batch_texts_sum") == 3
    assert metric(page, "emotion_slm_batch_texts_count") == 2
    assert metric(page, "emotion_slm_batch_tokens_sum") > 32
    assert metric(page, "emotion_slm_inference_seconds_count") == 2
    assert metric(page, "emotion_slm_queue_seconds_count") == 3
    assert metric(page, "emotion_slm_queue_texts") == 0
    assert metric(page, "emotion_slm_truncated_texts_total") == 1


def test_refusals_are_counted_by_reason_and_paths_do_not_multiply(app):
    bad = {"method": "POST", "url": "/predict", "json": {"texts": 1}}
    strays = [{"method": "GET", "url": f"/stray/{n}"} for n in range(5)]
    page = page_after(app, bad, *strays)
    assert metric(page, 'emotion_slm_rejected_total{reason="bad_request"}') == 1
    assert metric(page, 'emotion_slm_requests_total{route="/predict",status="422"}') == 1
    assert metric(page, 'emotion_slm_requests_total{route="other",status="404"}') == 5


def test_a_missing_token_is_a_refusal(served):
    app = create_app(served, Limits(), "0123456789abcdef")

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            await client.get("/info")

    asyncio.run(ask())
    page = app.state.service.metrics.page().decode()
    assert metric(page, 'emotion_slm_rejected_total{reason="token"}') == 1
    assert metric(page, 'emotion_slm_requests_total{route="other",status="401"}') == 1


def test_texts_that_fail_are_counted_and_add_no_emotion(caplog):
    caplog.set_level(logging.CRITICAL)
    page = page_after(create_app(GatedModel(), Limits()), predict(["fine", "poison", None]))
    assert metric(page, 'emotion_slm_texts_total{outcome="failed"}') == 2
    assert metric(page, 'emotion_slm_texts_total{outcome="scored"}') == 1
    assert metric(page, f'emotion_slm_label_probability_total{{label="{LABELS[1]}"}}') == 0.25


def test_an_error_of_the_code_counts_as_status_500(app, monkeypatch):
    monkeypatch.setattr(app.state.service, "score", lambda *_: 1 / 0)
    page = page_after(app, predict(["happy"]))
    assert metric(page, 'emotion_slm_requests_total{route="/predict",status="500"}') == 1
