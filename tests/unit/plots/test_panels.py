import numpy as np
import pytest

from emotion_slm.calibration.thresholds import Thresholds, f1_curves, threshold_grid
from emotion_slm.corpus.labels import LABEL_INDEX, LABELS
from emotion_slm.plots.panels import precision_recall, threshold_curves


def test_label_without_positives_has_an_empty_panel(scored, drawn, tmp_path):
    gold, logits = scored
    gold[:, LABELS.index("fear")] = 0
    precision_recall(gold, logits, tmp_path / "pr.png")
    fear, sadness = drawn[0].axes[:2]
    assert "fear" in fear.get_title()
    assert len(fear.lines) == 0
    assert len(sadness.lines) == 2


def test_each_panel_marks_the_chosen_and_the_global_threshold(scored, drawn, tmp_path):
    gold, logits = scored
    grid = threshold_grid(0.05)
    f1 = f1_curves(1 / (1 + np.exp(-logits)), gold, grid)
    per_label = np.full(len(LABELS), 0.3)
    per_label[LABEL_INDEX["fear"]] = 0.55
    threshold_curves(grid, f1, Thresholds(per_label, 0.4), tmp_path / "curves.png")
    curve, common, dot = drawn[0].axes[0].lines
    assert drawn[0].axes[0].get_title().startswith("fear\n")
    assert curve.get_ydata() == pytest.approx(f1[LABEL_INDEX["fear"]])
    assert set(common.get_xdata()) == {0.4}
    assert dot.get_xdata() == [0.55]
    assert dot.get_ydata() == pytest.approx(f1[LABEL_INDEX["fear"], 10])
