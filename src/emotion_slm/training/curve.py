"""A training curve as CSV, for `dvc plots`."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from emotion_slm.files import write_bytes

DECIMALS = 6


class Epoch(NamedTuple):
    """One line of a training curve."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_map: float
    validation_macro_f1: float  # at threshold 0.5


def write_curve(path: Path, curve: Sequence[Epoch]) -> None:
    """One row per epoch; a header alone when nothing was trained."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Epoch._fields)
    for epoch in curve:
        writer.writerow([epoch.epoch, *(round(value, DECIMALS) for value in epoch[1:])])
    write_bytes(path, text.getvalue().encode())


def best(curve: Sequence[Epoch], selection: str) -> Epoch:
    """The epoch that was kept: the first with the highest validation `map` or `macro_f1`."""
    return max(curve, key=lambda epoch: getattr(epoch, f"validation_{selection}"))
