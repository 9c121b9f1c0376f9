"""Each figure is written, 1,200 pixels wide, twice the same, without a date."""

import re

import numpy as np
import pytest
from matplotlib.image import imread
from support.plots import label_metrics, write_curve

from emotion_slm.calibration.thresholds import Thresholds, f1_curves, threshold_grid
from emotion_slm.corpus.labels import LABELS
from emotion_slm.plots.confusion import confusion, confusions
from emotion_slm.plots.labels import corpus_imbalance, label_frequency, per_label_f1
from emotion_slm.plots.panels import precision_recall, threshold_curves
from emotion_slm.plots.reliability import reliability
from emotion_slm.plots.training import training_curve


@pytest.fixture
def figures(scored, tmp_path):
    """Name of a figure → what draws it into a path, with an optional note."""
    gold, logits = scored
    raw = 1 / (1 + np.exp(-logits))
    counts = dict.fromkeys(LABELS, 4)
    splits = {"train (balanced)": counts, "validation": counts, "test": counts}
    curves = {"finetune": write_curve(tmp_path / "finetune.csv", 3)}
    grid = threshold_grid(0.1)
    chosen = Thresholds(np.full(len(LABELS), 0.3), 0.4)
    return {
        "label_frequency": lambda *to: label_frequency(splits, *to),
        "corpus_imbalance": lambda *to: corpus_imbalance(counts, *to),
        "training_curve": lambda *to: training_curve(curves, *to),
        "per_label_f1": lambda *to: per_label_f1(label_metrics(), *to),
        "precision_recall": lambda *to: precision_recall(gold, raw, *to),
        "reliability": lambda *to: reliability(gold, raw, raw**2, *to),
        "confusions": lambda *to: confusions(confusion(gold, raw > 0.5), *to),
        "threshold_curves": lambda *to: threshold_curves(
            grid, f1_curves(raw, gold, grid), chosen, *to
        ),
    }


NAMES = [
    "label_frequency", "corpus_imbalance", "training_curve", "per_label_f1", "precision_recall",
    "reliability", "confusions", "threshold_curves",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_twice_and_no_date(figures, tmp_path, name):
    first, second = tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"
    for path in (first, second):
        figures[name](path)
    assert first.read_bytes() == second.read_bytes()
    assert imread(first).shape[1] == 1200
    assert not re.search(rb"tEXt|tIME|iTXt", first.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_a_note_stands_under_the_title(figures, drawn, tmp_path, name):
    figures[name](tmp_path / "noted.png", "sample corpus")
    figures[name](tmp_path / "plain.png")
    noted, plain = (figure.get_suptitle() for figure in drawn)
    assert noted == f"{plain}\nsample corpus"


def test_a_failed_drawing_leaves_no_file(tmp_path):
    with pytest.raises(KeyError):
        per_label_f1({"per_label": {}}, tmp_path / "f1.png")
    assert list(tmp_path.iterdir()) == []
