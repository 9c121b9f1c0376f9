import numpy as np
import pytest

from emotion_slm.evaluation import metrics
from emotion_slm.plots.reliability import reliability


def test_points_are_the_bins(scored, drawn, tmp_path):
    gold, logits = scored
    raw = 1 / (1 + np.exp(-logits))
    reliability(gold, raw, raw**2, tmp_path / "reliability.png")
    confidence, observed, _ = metrics.equal_mass_bins(gold.ravel(), raw.ravel())
    line = drawn[0].axes[0].lines[0]
    assert line.get_xdata() == pytest.approx(confidence[observed > 0])
    assert line.get_ydata() == pytest.approx(observed[observed > 0])
