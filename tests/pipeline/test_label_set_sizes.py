"""Corpora of 3 to 300 labels through every stage: some labels are missing from a split or from all,
some rows have none."""

from contextlib import chdir
from pathlib import Path

import pandas as pd
import pytest
from support.described import labels_of, rows_of, run_stages, write_workspace

from emotion_slm.audit.audit import audit
from emotion_slm.common.files import read_json
from emotion_slm.scoring.classifier import EmotionClassifier


@pytest.mark.parametrize(("count", "rows"), [(3, 60), (6, 100), (40, 150), (300, 160)])
def test_any_number_of_labels_is_trained_audited_and_packaged(
    count, rows, tmp_path, tiny_bert, encoder_params
):
    labels = labels_of(count, rows)
    names = [f"topic {place}" for place in range(count)]
    write_workspace(
        tmp_path, encoder_params(tiny_bert), rows_of(labels), names=names, empty="none", id="id"
    )
    run_stages(tmp_path)
    per_label = pd.read_csv(tmp_path / "metrics/plots/per_label.csv")
    assert per_label["label"].tolist() == names
    assert read_json(tmp_path / "metrics/leakage.json")["broken"] == 0
    with chdir(tmp_path):
        found = audit(Path())
        classifier = EmotionClassifier.from_pretrained(tmp_path / "models/classifier")
    assert found["passed"], found
    assert list(classifier.labels.names) == names
    assert classifier.probabilities(["the cat is happy"]).shape == (1, count)
