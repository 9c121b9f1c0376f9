import logging

import numpy as np
import pytest
from support.labels import GOEMOTIONS, LABELS
from support.service import GatedModel, metric, one, predict, together

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.label_groups import known_label_groups
from emotion_slm.scoring.writers import DECIMALS
from emotion_slm.serve.app import OPEN, create_app
from emotion_slm.serve.limits import BODY_BYTES, Limits

TOKEN = "0123456789abcdef"
TEXTS = ["happy cat", "", "sad \ud83d dog", "😀 angry", "the " * 400]


@pytest.fixture(scope="module")
def expected(exported):
    """The same package in the hands of the library."""
    return EmotionClassifier.from_pretrained(exported)


def test_every_text_gets_what_the_library_gives(app, expected):
    answer = one(app, **predict(TEXTS, probabilities=True, threshold=0.2)).json()
    rows = expected.predict_proba(TEXTS)
    for result, row, labels in zip(
        answer["results"], rows, expected.predict(TEXTS, 0.2), strict=True
    ):
        assert list(result["probabilities"]) == list(LABELS)
        np.testing.assert_allclose(list(result["probabilities"].values()), row, atol=1e-4)
        assert list(result["labels"]) == list(labels)
    assert [result["truncated"] for result in answer["results"]] == [False] * 4 + [True]


def test_by_default_the_tuned_thresholds_apply_and_only_labels_are_given(app, expected):
    answer = one(app, **predict(TEXTS)).json()
    for result, labels in zip(answer["results"], expected.predict(TEXTS), strict=True):
        assert set(result) == {"labels", "truncated"}
        assert result["labels"] == {name: round(value, DECIMALS) for name, value in labels.items()}


@pytest.mark.parametrize("name", ["all", "targets", *GOEMOTIONS.groups])
def test_columns_are_those_of_predict(app, name):
    answer = one(app, **predict(["happy"], labels=name, probabilities=True, threshold=0)).json()
    columns = known_label_groups(name, GOEMOTIONS).names
    assert list(answer["results"][0]["probabilities"]) == list(columns)
    assert set(answer["results"][0]["labels"]) == set(columns)


def test_columns_that_the_model_has_not_are_refused_before_anything_is_scored():
    model = GatedModel()
    answer = one(create_app(model, Limits()), **predict(["happy"], labels="moods"))
    assert answer.status_code == 422 and "labels: not one of all, targets" in answer.json()["error"]
    assert model.scored == []


def test_at_most_so_many_labels(app):
    result = one(app, **predict(["happy"], threshold=0, top_k=3)).json()["results"][0]
    values = list(result["labels"].values())
    assert len(values) == 3 and values == sorted(values, reverse=True)


def test_requests_together_get_their_own_answers(app):
    requests = [predict([f"happy {n}", "sad " * n], probabilities=True) for n in range(40)]
    alone = [one(app, **request).json() for request in requests[:40:13]]
    answers = together(app, *requests)
    assert {answer.status_code for answer in answers} == {200}
    for first, second in zip(alone, answers[:40:13], strict=True):
        for one_result, other in zip(first["results"], second.json()["results"], strict=True):
            assert one_result["probabilities"] == pytest.approx(other["probabilities"], abs=2e-4)


def test_what_is_no_string_gets_its_own_error(app):
    results = one(app, **predict(["happy", None, 3, ["x"], {"a": 1}, True])).json()["results"]
    assert "labels" in results[0]
    assert [result["error"].split(" but ")[1] for result in results[1:]] == [
        "null", "a number", "a list", "an object", "a boolean",
    ]  # fmt: skip


def test_a_text_that_cannot_be_scored_gets_its_own_error(caplog):
    caplog.set_level(logging.CRITICAL)
    app = create_app(GatedModel(), Limits())
    results = one(app, **predict(["fine", "poison", "unreadable"])).json()["results"]
    assert "labels" in results[0]
    assert [set(result) for result in results[1:]] == [{"error"}, {"error"}]


def test_no_texts_no_results(app):
    assert one(app, **predict([])).json()["results"] == []


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (413, {"content": b" " * (BODY_BYTES + 1)}),
        (413, {"json": {"texts": ["a"] * 257}}),
        (415, {"content": b'{"texts": []}', "headers": {"content-type": "text/plain"}}),
        (422, {"content": b'{"texts"'}),
    ],
)
def test_what_is_refused_says_why(app, status, options):
    options = {"headers": {"content-type": "application/json"}} | options
    answer = one(app, "POST", "/predict", **options)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and answer.json()["error"]


def test_a_body_without_its_length_is_counted_as_it_comes(app):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    assert one(app, "POST", "/predict", content=endless(), headers=headers).status_code == 413
    assert sent <= BODY_BYTES + 200_000


def test_a_request_that_takes_too_long_is_given_up_and_not_computed():
    model = GatedModel(open_gate=False)
    app = create_app(model, Limits(timeout=0.2))
    answers = together(app, *(predict([f"text {n}"]) for n in range(6)), then=model.gate.set)
    assert {answer.status_code for answer in answers} == {504}
    assert len(model.scored) == 1  # the batch that was under way
    page = app.state.service.metrics.page().decode()
    assert metric(page, 'emotion_slm_rejected_total{reason="deadline"}') == 6
    assert metric(page, "emotion_slm_queue_texts") == 0


def test_a_queue_that_is_full_refuses():
    model = GatedModel(open_gate=False)
    app = create_app(model, Limits(max_queue=4, max_texts=2, timeout=0.5))
    answers = together(app, *(predict(["a", "b"]) for _ in range(9)), then=model.gate.set)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 9 - 2 * 4  # what is in a batch makes room
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def test_with_a_token_only_open_paths_answer_without(served):
    app = create_app(served, Limits(), TOKEN)
    for path in OPEN:
        assert one(app, "GET", path).status_code == 200, path
    closed = ["/info", "/metrics", "/v2", "/v2/models/emotion-slm", "/absent", "/live/"]
    for path in closed:
        answer = one(app, "GET", path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
    right = {"authorization": f"Bearer {TOKEN}"}
    asked = predict(["happy"])
    asked["headers"] |= right
    assert one(app, **asked).status_code == 200
    assert one(app, "GET", "/info", headers=right).status_code == 200


@pytest.mark.parametrize(
    "given",
    [b"", b"Bearer", b"Bearer ", TOKEN.encode(), b"Bearer " + TOKEN[:-1].encode(),
     b"Bearer " + TOKEN.encode() + b"x", b"bearer " + TOKEN.encode(), b"Basic " + TOKEN.encode(),
     b"Bearer " + TOKEN.upper().encode(), b"Bearer \xff\xfe", b"Bearer " + b"x" * 5000],
)  # fmt: skip
def test_a_wrong_token_is_refused(served, given):
    app = create_app(served, Limits(), TOKEN)
    answer = one(app, "GET", "/info", headers={b"authorization": given})
    assert answer.status_code == 401


def test_two_tokens_in_one_request_are_refused(served):
    app = create_app(served, Limits(), TOKEN)
    headers = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer wrong")]
    assert one(app, "GET", "/info", headers=headers).status_code == 401


def test_tokens_are_compared_in_constant_time(served, monkeypatch):
    compared = []
    monkeypatch.setattr(
        "emotion_slm.serve.limits.hmac.compare_digest", lambda *both: compared.append(both)
    )
    app = create_app(served, Limits(), TOKEN)
    assert one(app, "GET", "/info", headers={"authorization": "Bearer x"}).status_code == 401
    assert compared == [(b"Bearer x", f"Bearer {TOKEN}".encode())]


@pytest.mark.parametrize("path", ["/live", "/ready", "/v2/health/live", "/v2/health/ready"])
def test_where_no_batch_is_computed_it_is_neither_live_nor_ready(app, monkeypatch, path):
    assert one(app, "GET", path).status_code == 200
    monkeypatch.setattr(type(app.state.service.batcher), "alive", False)
    assert one(app, "GET", path).status_code == 503


def test_while_it_drains_nothing_is_taken(app):
    app.state.service.draining = True
    assert one(app, "GET", "/ready").status_code == 503
    assert one(app, "GET", "/v2/health/ready").status_code == 503
    assert one(app, "GET", "/live").status_code == 200
    answer = one(app, **predict(["happy"]))
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")


def test_info_says_which_model(app, served):
    info = one(app, "GET", "/info").json()
    assert info["sha256"] == served.digest and info["engine"] == "ONNX float32"
    assert list(info["thresholds"]) == list(LABELS)
    assert info["limits"] == {"max_queue": 512, "max_texts": 256, "timeout": 30.0}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/x", 404), ("GET", "/predict", 405)]
)
def test_unknown_routes_answer_in_the_same_form(app, method, path, status):
    answer = one(app, method, path)
    assert answer.status_code == status and set(answer.json()) == {"error"}


def test_no_route_shows_pages_of_another_host(app):
    assert {one(app, "GET", path).status_code for path in ("/docs", "/redoc")} == {404}


def test_an_error_of_the_code_tells_nothing(served, monkeypatch):
    app = create_app(served, Limits())
    monkeypatch.setattr(app.state.service, "score", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # which the server logs
        one(app, **predict(["happy"]))
