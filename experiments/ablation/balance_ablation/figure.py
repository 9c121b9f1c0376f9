"""Stage figure: differences.csv → ablation.png, every balancing minus none with its interval.

Drawn without pyplot, so that no display and no global state is involved; the file carries no
version or date, so that equal numbers give equal bytes.
"""

from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from balance_ablation.names import ADAPTED, BALANCINGS, FROZEN, LINEAR, LOSSES, NONE, THRESHOLDS
from balance_ablation.places import DIFFERENCES
from emotion_slm.plots.canvas import BLUE, DPI, GREEN, ORANGE, STYLE, label_axis

OUTPUT = Path("ablation.png")
TITLES = {"0.5": "threshold 0.5", "tuned": "tuned per label", "shrunken": "tuned and shrunken"}
LOOKS = {"bce": (BLUE, "o"), "focal": (ORANGE, "s"), "asymmetric": (GREEN, "^")}
GAP = 0.24  # between the losses of one balancing


def draw(differences: pd.DataFrame) -> Figure:
    """A row of panels per kind of vectors, a panel per kind of thresholds; right is better."""
    linear = differences[differences["head"] == LINEAR]
    order = [balancing for balancing in BALANCINGS if balancing != NONE]
    figure = Figure(figsize=(11, 8), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(THRESHOLDS), sharey=True, sharex="col")
    for vectors, row in zip((ADAPTED, FROZEN), panels, strict=True):
        for kind, axes in zip(THRESHOLDS, row, strict=True):
            shown = linear[(linear["vectors"] == vectors) & (linear["thresholds"] == kind)]
            for entry in shown.itertuples():
                _interval(axes, order.index(entry.balancing), entry)
            axes.axvline(0, color="black", linewidth=0.8, zorder=1.5)
            axes.set_title(f"{vectors} vectors, {TITLES[kind]}")
            axes.grid(axis="x")
            axes.xaxis.set_tick_params(labelbottom=True)
            axes.xaxis.get_major_locator().set_params(nbins=5)
            label_axis(axes, order)
            for edge in range(len(order) - 1):
                axes.axhline(edge + 0.5, color="#eeeeee", linewidth=0.8)
    for axes in panels[-1]:
        axes.set_xlabel("macro-F1 minus that of none")
    figure.legend(handles=_handles(), loc="outside upper center", ncols=5)
    return figure


def _interval(axes: Axes, place: int, entry) -> None:
    colour, marker = LOOKS[entry.loss]
    place += (list(LOOKS).index(entry.loss) - 1) * GAP
    axes.plot((entry.low, entry.high), (place, place), color=colour, linewidth=1.6, zorder=2)
    face = colour if entry.clear else "white"
    axes.plot(
        entry.difference,
        place,
        marker,
        color=colour,
        markerfacecolor=face,
        markersize=5.5,
        zorder=3,
    )


def _handles() -> list[Line2D]:
    losses = [
        Line2D([], [], color=LOOKS[loss][0], marker=LOOKS[loss][1], label=name)
        for loss, name in LOSSES.items()
    ]
    faces = {"black": "0 excluded after correction", "white": "0 not excluded"}
    style = {"color": "black", "marker": "D", "linestyle": "", "markersize": 5}
    return losses + [
        Line2D([], [], markerfacecolor=face, label=label, **style) for face, label in faces.items()
    ]


def main() -> None:
    with rc_context(STYLE | {"font.size": 9, "axes.titlesize": 10}):
        draw(pd.read_csv(DIFFERENCES)).savefig(OUTPUT, metadata={"Software": None})


if __name__ == "__main__":
    main()
