"""Packages of a model that gives exactly one label: read, scored, exported, served, refused."""

import json
import shutil

import numpy as np
import pytest
from scipy.special import softmax
from support.packages import create_package
from support.single import CORPUS, LABELS
from transformers import pipeline
from typer.testing import CliRunner

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.explain.occlusion import explain
from emotion_slm.package.config import CALIBRATION, CONFIG, THRESHOLDS
from emotion_slm.package.package import read_package
from emotion_slm.publish.onnx_export import compare_labels, export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.label_groups import known_label_groups
from emotion_slm.serve.model import ServedModel

TEXTS = ["happy cat", "the very sad dog", "tree", "an angry house"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_bert, encoder_params):
    root = tmp_path_factory.mktemp("single")
    return create_package(root, encoder_params(tiny_bert), corpus=CORPUS)


@pytest.fixture(scope="module")
def classifier(folder):
    return EmotionClassifier.from_pretrained(folder)


def test_a_text_gets_one_label_and_probabilities_that_sum_to_one(classifier):
    probabilities = classifier.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    found = classifier.predict(TEXTS)
    best = [LABELS.names[place] for place in probabilities.argmax(axis=1)]
    assert [list(labels) for labels in found] == [[label] for label in best]
    assert classifier.predict(TEXTS, top_k=3) == found


def test_a_threshold_is_what_the_most_probable_label_must_reach(classifier):
    for row, labels in zip(
        classifier.probabilities(TEXTS), classifier.predict(TEXTS, threshold=0.6), strict=True
    ):
        assert bool(labels) == (row.max() >= 0.6)
    assert classifier.predict(TEXTS, threshold=0.0) == classifier.predict(TEXTS)


def test_a_group_s_probability_is_the_sum_of_its_labels(classifier):
    groups = known_label_groups("tone", LABELS)
    probabilities = np.array([[0.4, 0.35, 0.25], [0.1, 0.8, 0.1]])  # billing, praise, question
    np.testing.assert_allclose(groups.probabilities(probabilities)[:, 0], [0.65, 0.2])
    held = groups.reached(probabilities, None, None)
    assert held.tolist() == [[True, False], [False, True]]


def test_transformers_pipeline_gives_the_same_probabilities(classifier, folder):
    scores = pipeline("text-classification", model=str(folder), top_k=None)(TEXTS)
    found = [{entry["label"]: entry["score"] for entry in entries} for entries in scores]
    ours = [[entries[label] for label in LABELS.names] for entries in found]
    np.testing.assert_allclose(ours, classifier.predict_proba(TEXTS), atol=1e-5)


@pytest.mark.slow
def test_exports_give_the_same_labels(classifier, folder, tmp_path):
    pytest.importorskip("onnx")
    package = read_package(folder)
    for precision, tolerance in (("float32", 1e-4), ("int8", 0.1)):
        exported = tmp_path / precision
        export_onnx(package, exported, precision)
        found = EmotionClassifier.from_pretrained(exported).predict_proba(TEXTS)
        np.testing.assert_allclose(found, classifier.predict_proba(TEXTS), atol=tolerance)
    assert compare_labels(folder, tmp_path / "float32", TEXTS) == (len(TEXTS), 0, 0, 0)


def test_what_a_service_says_of_it(folder):
    model = ServedModel(folder)
    assert model.info()["task"] == "single_label" and model.info()["thresholds"] == {}
    row = softmax([[2.0, 1.0, 0.5]], axis=1)
    assert model.groups["all"].reached(row, model.thresholds, None).tolist() == [
        [True, False, False]
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "--text", "a happy cat"],
        ["predict", "--text", "a happy cat", "--explain"],
    ],
)
def test_its_most_probable_label_is_explained(classifier, folder, command):
    result = CliRunner().invoke(app, [*command, "--model", str(folder)])
    assert result.exit_code == 0, result.output
    ((label, probability),) = classifier.predict(["a happy cat"])[0].items()
    assert f"{label} {probability:.2f}, given\n" in result.stdout
    assert "threshold" not in result.stdout


def test_a_word_decides_where_another_label_is_most_probable_without_it(classifier):
    (found,) = explain(["a happy cat"], classifier)
    assert found.given.sum() == 1 and (found.given_without.sum(axis=1) == 1).all()
    label = int(found.given.argmax())
    other = found.without.argmax(axis=1) != label
    assert (found.decisive(label) == other).all()


def test_a_label_that_is_not_the_most_probable_is_explained_too(classifier, folder, tmp_path):
    page = tmp_path / "x.html"
    name = LABELS.names[int(classifier.predict_proba(["a happy cat"])[0].argmin())]
    result = CliRunner().invoke(
        app,
        ["explain", "--text", "a happy cat", "--model", str(folder), "--label", name,
         "-o", str(page)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "<small>not given</small>" in page.read_text()


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_config_says_the_task_and_thresholds_are_absent(folder):
    config = json.loads((folder / CONFIG).read_text())
    assert config["problem_type"] == "single_label_classification"
    assert not (folder / THRESHOLDS).exists() and THRESHOLDS not in config["files"]


def test_a_config_of_the_other_task_is_refused(copy):
    config = read_json(copy / CONFIG)
    config["problem_type"] = "multi_label_classification"
    write_json(copy / CONFIG, config)
    with pytest.raises(EmotionSlmError, match=r"no hash for thresholds\.json"):
        read_package(copy)
    write_json(copy / THRESHOLDS, {})
    config["files"][THRESHOLDS] = sha256_file(copy / THRESHOLDS)
    write_json(copy / CONFIG, config)
    with pytest.raises(EmotionSlmError, match=r"is not the task of corpus\.json, single_label"):
        read_package(copy)


def test_a_calibration_of_the_other_task_is_refused(copy):
    write_json(copy / CALIBRATION, {"method": "temperature", "parameters": {"temperature": 1.0}})
    config = read_json(copy / CONFIG)
    config["files"][CALIBRATION] = sha256_file(copy / CALIBRATION)
    write_json(copy / CONFIG, config)
    with pytest.raises(EmotionSlmError, match="unknown calibration method 'temperature'"):
        EmotionClassifier.from_pretrained(copy)
