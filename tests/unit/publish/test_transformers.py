import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.calibration.maps import Platt, Temperature
from emotion_slm.corpus.labels import LABELS
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import write_full_weights
from emotion_slm.scoring.classifier import EmotionClassifier

TEXTS = ["happy cat", "the very sad dog", "tree"]
# Either may be imported first.
FIRST = {
    "emotion_slm": "import emotion_slm.transformers; from transformers import pipeline",
    "transformers": "from transformers import pipeline; import emotion_slm.transformers",
}
PIPELINE = """
import json, sys
from transformers import AutoModelForSequenceClassification, pipeline
folder, *texts = sys.argv[1:]
print(type(AutoModelForSequenceClassification.from_pretrained(folder)).__name__)
print(json.dumps(pipeline("text-classification", model=folder, top_k=None)(texts)))
"""


@pytest.mark.parametrize("first", FIRST)
def test_a_fresh_transformers_pipeline_gives_the_classifier_s_probabilities(
    first, packaged, tmp_path
):
    folder = packaged
    if first == "transformers":
        folder = tmp_path / "full"
        write_full_weights(read_package(packaged), folder, None)
    code = FIRST[first] + PIPELINE
    done = subprocess.run(
        [sys.executable, "-c", code, folder, *TEXTS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kind, scores = done.stdout.splitlines()
    assert kind == "TextClassifier"
    found = [
        {entry["label"]: entry["score"] for entry in entries} for entries in json.loads(scores)
    ]
    classifier = EmotionClassifier.from_pretrained(packaged)
    assert isinstance(classifier.calibration.mapping, Platt | Temperature)  # folded into the head
    expected = classifier.predict_proba(TEXTS)
    ours = np.array([[entries[label] for label in LABELS] for entries in found])
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_the_package_alone_imports_no_transformers():
    code = (
        "import emotion_slm, sys; sys.exit('transformers' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_full_weights_need_no_pinned_base(packaged, tmp_path, monkeypatch):
    write_full_weights(read_package(packaged), tmp_path / "full", None)
    second = AutoModelForSequenceClassification.from_pretrained(packaged).state_dict()
    monkeypatch.setattr("emotion_slm.backbone.loading.locate", None)
    first = AutoModelForSequenceClassification.from_pretrained(tmp_path / "full").state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
