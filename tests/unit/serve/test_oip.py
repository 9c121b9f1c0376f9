import numpy as np
import pytest
from support.labels import LABELS
from support.service import one

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.serve.model import NAME

TEXTS = ["happy cat", "sad dog"]


def infer(app, data, shape=None, **fields):
    tensor = {"name": "text", "shape": shape or [len(data)], "datatype": "BYTES", "data": data}
    body = {"inputs": [tensor | fields.pop("tensor", {})], **fields}
    return one(app, "POST", f"/v2/models/{NAME}/infer", json=body)


def test_health_and_metadata(app, served):
    assert one(app, "GET", "/v2/health/live").json() == {"live": True}
    assert one(app, "GET", "/v2/health/ready").json() == {"ready": True}
    assert one(app, "GET", "/v2").json()["name"] == NAME
    assert one(app, "GET", f"/v2/models/{NAME}/ready").json() == {"name": NAME, "ready": True}
    model = one(app, "GET", f"/v2/models/{NAME}").json()
    assert model["versions"] == [served.digest[:12]]
    assert model["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert [output["shape"] for output in model["outputs"]] == [[-1, len(LABELS)], [-1]]
    assert model["parameters"]["labels"] == list(LABELS)


@pytest.mark.parametrize(
    ("data", "shape"), [(TEXTS, [2]), (TEXTS, [2, 1]), ([[text] for text in TEXTS], [2, 1])]
)
def test_a_tensor_of_texts_gives_probabilities_and_labels(app, exported, data, shape):
    answer = infer(app, data, shape, id="7").json()
    assert answer["id"] == "7" and answer["model_name"] == NAME
    probabilities, labels = answer["outputs"]
    expected = EmotionClassifier.from_pretrained(exported)
    assert probabilities["shape"] == [2, len(LABELS)]
    np.testing.assert_allclose(
        np.reshape(probabilities["data"], probabilities["shape"]),
        expected.predict_proba(TEXTS),
        atol=1e-5,
    )
    assert labels["data"] == [" ".join(found) for found in expected.predict(TEXTS)]


def test_only_the_outputs_asked_for(app):
    answer = infer(app, TEXTS, outputs=[{"name": "labels"}]).json()
    assert [output["name"] for output in answer["outputs"]] == ["labels"]
    assert "id" not in answer


@pytest.mark.parametrize(
    ("status", "place", "options"),
    [
        (422, "does not fit", {"data": TEXTS, "shape": [3]}),
        (422, "does not fit", {"data": TEXTS, "shape": [1, 2]}),
        (422, "does not fit", {"data": TEXTS, "shape": [-2]}),
        (422, "inputs.0.shape", {"data": TEXTS, "shape": [1, 1, 2]}),
        (422, "inputs.0.data.1: not a string but null", {"data": ["x", None]}),
        (422, "datatype", {"data": TEXTS, "tensor": {"datatype": "FP32"}}),
        (422, "name", {"data": TEXTS, "tensor": {"name": "input_ids"}}),
        (422, "outputs", {"data": TEXTS, "outputs": [{"name": "logits"}]}),
        (413, "at most", {"data": ["x"] * 257}),
    ],
)
def test_what_does_not_fit_is_refused(app, status, place, options):
    answer = infer(app, **options)
    assert answer.status_code == status and place in answer.json()["error"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/other/ready"])
def test_another_model_is_not_known(app, path):
    answer = one(app, "GET", path)
    assert answer.status_code == 404 and NAME in answer.json()["error"]
