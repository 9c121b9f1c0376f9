"""Figures as they stand after drawing, in place of files."""

from contextlib import contextmanager

import pytest

from emotion_slm.plots import (
    confusion,
    panels,
    reliability,
    training,
)
from emotion_slm.plots import (
    labels as f1,
)
from emotion_slm.plots import (
    labels as frequency,
)


@pytest.fixture
def drawn(monkeypatch):
    finished = []
    original = f1.canvas

    @contextmanager
    def keep(*arguments):
        with original(*arguments) as figure:
            yield figure
            finished.append(figure)

    for module in (confusion, f1, frequency, panels, reliability, training):
        monkeypatch.setattr(module, "canvas", keep)
    return finished
