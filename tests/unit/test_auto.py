import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import emotion_slm.auto  # noqa: F401
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.evaluation.platt import Platt
from emotion_slm.evaluation.temperature import Temperature
from emotion_slm.inference.classifier import EmotionClassifier
from emotion_slm.labels import LABELS
from emotion_slm.model.full_weights import write_full_weights
from emotion_slm.model.package import read_package

TEXTS = ["happy cat", "the very sad dog", "tree"]


@pytest.fixture(params=["package", "full weights"])
def folder(request, packaged, tmp_path):
    if request.param == "package":
        return packaged
    write_full_weights(read_package(packaged), tmp_path / "full", {"revision": "a"})
    return tmp_path / "full"


def test_transformers_pipeline_gives_the_classifier_s_probabilities(folder, packaged):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert isinstance(model, TextClassifier)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    score = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
    found = [{entry["label"]: entry["score"] for entry in entries} for entries in score(TEXTS)]
    classifier = EmotionClassifier.from_pretrained(packaged)
    assert isinstance(classifier.calibration.mapping, Platt | Temperature)  # folded into the head
    expected = classifier.predict_proba(TEXTS)
    ours = np.array([[entries[label] for label in LABELS] for entries in found])
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_full_weights_need_no_pinned_base(packaged, tmp_path):
    write_full_weights(read_package(packaged), tmp_path / "full", {})
    first = AutoModelForSequenceClassification.from_pretrained(tmp_path / "full").state_dict()
    second = AutoModelForSequenceClassification.from_pretrained(packaged).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
