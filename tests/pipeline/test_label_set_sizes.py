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

LIKE_VALUES = ("1", "true", "nan", "very angry, really", "None")


def assert_sound(root: Path, names: list[str]) -> None:
    """The metrics name the labels, the whole audit passes, and the package scores a text."""
    per_label = pd.read_csv(root / "metrics/plots/per_label.csv", dtype=str, na_filter=False)
    assert per_label["label"].tolist() == names
    assert read_json(root / "metrics/leakage.json")["broken"] == 0
    with chdir(root):
        found = audit(Path())
    assert found["passed"], found
    classifier = EmotionClassifier.from_pretrained(root / "models/classifier")
    assert list(classifier.labels.names) == names
    assert classifier.probabilities(["the cat is happy"]).shape == (1, len(names))


@pytest.mark.parametrize(
    ("count", "rows"),
    [
        (3, 60),
        *(
            pytest.param(*sizes, marks=pytest.mark.slow)
            for sizes in [(6, 100), (40, 150), (300, 160)]
        ),
    ],
)
def test_any_number_of_labels_is_trained_audited_and_packaged(
    count, rows, tmp_path, tiny_bert, encoder_params
):
    names = [f"topic {place}" for place in range(count)]
    described = {"names": names, "empty": "none", "id": "id"}
    write_workspace(
        tmp_path, encoder_params(tiny_bert), rows_of(labels_of(count, rows)), **described
    )
    run_stages(tmp_path)
    assert_sound(tmp_path, names)


def test_labels_that_look_like_values_with_groups_and_times(tmp_path, tiny_bert, encoder_params):
    labels = [
        [LIKE_VALUES[int(name.split()[1])] for name in found]
        for found in labels_of(len(LIKE_VALUES), 80)
    ]
    described = {"empty": "none", "group": "conversation", "time": "at"}
    write_workspace(tmp_path, encoder_params(tiny_bert), rows_of(labels), **described)
    run_stages(tmp_path)
    assert_sound(tmp_path, sorted(LIKE_VALUES))
