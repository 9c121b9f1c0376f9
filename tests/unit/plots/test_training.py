import pytest
from support.plots import write_curve

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.plots.training import training_curve


def test_a_frozen_encoder_has_no_curve(drawn, tmp_path):
    curves = {
        "adapt": write_curve(tmp_path / "adapt.csv", 0),
        "finetune": write_curve(tmp_path / "finetune.csv", 3),
    }
    training_curve(curves, tmp_path / "curve.png")
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == ["finetune: loss", "finetune: validation"]
    epochs = drawn[0].axes[0].lines[0].get_xdata()
    assert list(epochs) == [1, 2, 3]


def test_curve_without_a_column_is_refused(tmp_path):
    curve = write_curve(tmp_path / "odd.csv", 1, columns=("epoch", "train_loss"))
    with pytest.raises(EmotionSlmError, match=r"odd.csv.*validation_loss"):
        training_curve({"adapt": curve}, tmp_path / "curve.png")
