"""How training went, epoch by epoch."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.plots.canvas import BLUE, GREEN, GREY, ORANGE, canvas, legend_above

CURVE_COLUMNS = (
    "epoch", "train_loss", "validation_loss", "validation_map", "validation_macro_f1",
)  # fmt: skip


def training_curve(curves: Mapping[str, Path], path: Path, note: str = "") -> None:
    """Losses, and mAP and macro-F1 on validation, per epoch: one row of panels per curve.

    `curves` maps a stage's name to its CSV with CURVE_COLUMNS; one without epochs (a frozen
    encoder) is left out.
    """
    histories = {name: _read_curve(source) for name, source in curves.items()}
    histories = {name: history for name, history in histories.items() if len(history["epoch"])}
    with canvas(path, 0.4 + 3.1 * max(len(histories), 1), "Training", note) as figure:
        panels = figure.subplots(max(len(histories), 1), 2, squeeze=False)
        for (name, history), (loss, quality) in zip(histories.items(), panels, strict=False):
            epochs = history["epoch"]
            loss.plot(epochs, history["train_loss"], "o-", color=GREY, label="train")
            loss.plot(epochs, history["validation_loss"], "o-", color=BLUE, label="validation")
            loss.set_title(f"{name}: loss", pad=24)
            quality.plot(epochs, history["validation_map"], "o-", color=ORANGE, label="mAP")
            quality.plot(
                epochs, history["validation_macro_f1"], "o-", color=GREEN, label="macro-F1 at 0.5"
            )
            quality.set_title(f"{name}: validation", pad=24)
            for axes in (loss, quality):
                axes.set_xlabel("epoch")
                axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
                axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
                axes.grid()
                legend_above(axes, 2)


def _read_curve(source: Path) -> dict[str, np.ndarray]:
    with files.require(source).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    missing = [column for column in CURVE_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise EmotionSlmError(f"{source}: column {missing[0]!r} is missing; run its stage again")
    return {column: np.array([float(row[column]) for row in rows]) for column in CURVE_COLUMNS}
