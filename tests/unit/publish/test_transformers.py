import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from support.labels import LABELS
from transformers import AutoModelForSequenceClassification

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.calibration.maps import Platt, Temperature
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import write_full_weights
from emotion_slm.scoring.classifier import EmotionClassifier

TEXTS = ["happy cat", "the very sad dog", "tree"]
PIPELINE = """
import json, sys
from transformers import AutoModelForSequenceClassification, pipeline
import emotion_slm.transformers
package, full, *texts = sys.argv[1:]
for folder in (package, full):
    print(type(AutoModelForSequenceClassification.from_pretrained(folder)).__name__)
    print(json.dumps(pipeline("text-classification", model=folder, top_k=None)(texts)))
"""


@pytest.mark.slow
def test_a_fresh_transformers_pipeline_gives_the_classifier_s_probabilities(packaged, tmp_path):
    """Of the package, and of the same with all its weights; transformers is imported before it."""
    full = tmp_path / "full"
    write_full_weights(read_package(packaged), full, None)
    command = [sys.executable, "-c", PIPELINE, packaged, full, *TEXTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    classifier = EmotionClassifier.from_pretrained(packaged)
    assert isinstance(classifier.calibration.mapping, Platt | Temperature)  # folded into the head
    expected = classifier.predict_proba(TEXTS)
    lines = done.stdout.splitlines()
    assert lines[::2] == ["TextClassifier"] * 2
    for scores in map(json.loads, lines[1::2]):
        found = [{entry["label"]: entry["score"] for entry in entries} for entries in scores]
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
