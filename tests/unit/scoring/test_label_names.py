"""Labels with spaces and commas in their names: what is written can be told apart."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support.scorer import StubScorer

from emotion_slm.corpus.labels import LabelSet
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score

NAMES = ("joy", "very angry", "sad, or tired")


class Scorer(StubScorer):
    labels = LabelSet(NAMES, NAMES)
    thresholds = np.array([0.5, 0.5, 0.5])

    def probabilities(self, texts):
        return np.array([[0.9, 0.8, 0.7] for _ in texts])


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_labels_of_a_scored_file_can_be_told_apart(tmp_path: Path, suffix):
    source, output = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    source.write_text('{"text": "a"}\n' if suffix == "jsonl" else "text\na\n")
    score(source, output, Scorer(), Options())
    with output.open(newline="") as stream:
        if suffix == "jsonl":
            found = json.loads(stream.read())["labels"]
        else:
            delimiter = "\t" if suffix == "tsv" else ","
            found = next(csv.DictReader(stream, delimiter=delimiter))["labels"].split("; ")
    assert found == list(NAMES)
