"""The plots of two revisions, before and after."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.plots.canvas import BLUE, GREY, canvas
from emotion_slm.workbench.page import SHOWN
from emotion_slm.workbench.revisions import Side

PICTURE, CURVE = ".png", ".csv"
PANELS_PER_ROW = 2


class Plot(NamedTuple):
    """A file of metrics/plots and its content on either side, None where it is absent."""

    path: Path
    before: bytes | None
    after: bytes | None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def is_picture(self) -> bool:
        return self.path.suffix == PICTURE

    @property
    def caption(self) -> str:
        return SHOWN.get(self.path.stem, self.path.stem.replace("_", " "))


def plots(base: Side, now: Side) -> list[Plot]:
    """Every picture and curve that either side has, the most telling first."""
    names = {
        name
        for name in base.names(paths.PLOTS) | now.names(paths.PLOTS)
        if name.endswith((PICTURE, CURVE))
    }
    order = {f"{name}{PICTURE}": place for place, name in enumerate(SHOWN)}
    return [
        Plot(paths.PLOTS / name, base.read(paths.PLOTS / name), now.read(paths.PLOTS / name))
        for name in sorted(names, key=lambda name: (order.get(name, len(order)), name))
    ]


def draw_curve(plot: Plot, target: Path) -> None:
    """Write a PNG of a CSV's columns over its first one, the base dashed, a panel per column.

    EmotionSlmError when a cell is not a number.
    """
    sides = [_columns(plot, content) for content in (plot.before, plot.after)]
    names = list(dict.fromkeys(name for side in sides for name in list(side)[1:]))
    height = 2.4 * max(1, -(-len(names) // PANELS_PER_ROW)) + 0.6
    with canvas(target, height, plot.path.stem.replace("_", " "), "base dashed") as figure:
        rows = max(1, -(-len(names) // PANELS_PER_ROW))
        panels = figure.subplots(rows, PANELS_PER_ROW, squeeze=False).flat
        for name, axes in zip(names, panels, strict=False):
            for side, style, color, label in (
                (sides[0], "o--", GREY, "base"),
                (sides[1], "o-", BLUE, "now"),
            ):
                if name in side:
                    axes.plot(*_first(side), side[name], style, color=color, label=label)
            axes.set_title(name.replace("_", " "))
            axes.set_xlabel(next((key for side in reversed(sides) for key in side), ""))
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.grid()
            axes.legend()
        for axes in panels:
            axes.set_axis_off()


def _first(columns: dict[str, list[float]]) -> Sequence[list[float]]:
    return [next(iter(columns.values()))]


def _columns(plot: Plot, content: bytes | None) -> dict[str, list[float]]:
    """Column → its numbers; empty without a file or without rows."""
    rows = list(csv.DictReader(io.StringIO((content or b"").decode())))
    try:
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
    except (ValueError, TypeError) as error:
        raise EmotionSlmError(f"{plot.path}: a cell is not a number ({error})") from error
