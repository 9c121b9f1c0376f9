import re
from pathlib import Path

from emotion_slm.backbone.device import describe_device, peak_memory
from emotion_slm.training.curve import Epoch
from emotion_slm.training.trainer import Training, summary


def test_closing_line_names_epoch_speed_memory_and_place(training_params):
    curve = [Epoch(1, 0.5, 0.4, 0.61, 0.2), Epoch(2, 0.4, 0.4, 0.512, 0.3)]
    line = summary(Training(curve, 1234.4), 43_410, training_params(), Path("models/adapted"))
    assert re.fullmatch(
        r"43,410 rows, epoch 1 of 2 kept, validation mAP 0\.610, 1,234 samples/s, "
        r"\d+\.\d GiB of (GPU )?memory at most → models/adapted",
        line,
    )


def test_memory_and_device_of_this_machine():
    assert float(peak_memory().split()[0]) > 0
    assert describe_device() == describe_device() != ""
