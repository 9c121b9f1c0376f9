import io

import numpy as np
import pytest
from PIL import Image

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.curves import CURVES, draw
from emotion_slm.workbench.repository import WorkingTree
from emotion_slm.workbench.results import read_table

GREY, BLUE = (138, 138, 138), (0, 114, 178)


def drawn(png: bytes, colour: tuple[int, int, int]) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return bool((np.abs(pixels - colour).max(axis=2) < 8).any())


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.path.stem)
def test_two_runs_are_laid_over_each_other(run, curve):
    table = read_table(WorkingTree(), curve.path)
    alone, both = draw(curve, table), draw(curve, table[1:], table)
    assert drawn(alone, BLUE) and drawn(both, BLUE) and drawn(both, GREY)
    assert alone != both and draw(curve, table) == alone


def test_every_column_that_is_drawn_is_in_its_table(run):
    for curve in CURVES:
        columns = set(read_table(WorkingTree(), curve.path)[0])
        for panel in curve.panels:
            assert {panel.x, *panel.lines.values()} <= columns


def test_a_column_that_is_missing_is_left_out():
    curve = CURVES[0]
    assert draw(curve, [{"epoch": "1"}]) == draw(curve, [{"other": "1"}])


def test_a_cell_that_is_no_number_is_named():
    with pytest.raises(EmotionSlmError, match=r"adapt_curve\.csv: a cell is not a number.*'low'"):
        draw(CURVES[0], [{"epoch": "1", "train_loss": "low"}])
