"""Stage figure: per_label.csv and curves.csv → leak.png."""

from pathlib import Path

import numpy as np
import pandas as pd

from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas, label_axis
from published_protocol.layout import ARMS, CURVES, FIGURE, HONEST, LEAKED, PER_LABEL
from published_protocol.scores import HALF

TITLE = "The published order of steps, and the same code with the split moved first"
STYLES = {LEAKED: ("o", ORANGE, "-"), HONEST: ("D", BLUE, "--")}  # marker, colour, line


def draw(labels: pd.DataFrame, curves: pd.DataFrame, path: Path) -> None:
    """F1 and children of test rows per label, rarest on top; below them validation by epoch."""
    labels = labels.sort_values("support")
    with canvas(path, 11.5, TITLE, "") as figure:
        top, bottom = figure.subfigures(2, 1, height_ratios=(3.3, 1))
        f1, children = top.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
        _dumbbells(f1, labels)
        _bars(children, labels["children_per_positive"].to_numpy())
        names = [f"{row.label}  {row.support:,.0f}" for row in labels.itertuples()]
        label_axis(f1, names)
        _curves(bottom.subplots(), curves)


def _dumbbells(axes, labels: pd.DataFrame) -> None:
    places = np.arange(len(labels))
    ends = [labels[f"{arm}_f1_{HALF}"].to_numpy() for arm in ARMS]
    axes.hlines(places, *ends, color="#cccccc", linewidth=2)
    for arm, values in zip(ARMS, ends, strict=True):
        marker, colour, _ = STYLES[arm]
        axes.plot(values, places, marker, color=colour, markersize=6, label=arm)
    same = labels[f"honest_same_rows_f1_{HALF}"]
    name = "honest, on the leaked arm's test rows"
    axes.plot(same, places, "|", color=BLUE, markersize=9, markeredgewidth=1.5, label=name)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("F1 on test at threshold ½; beside each label its test positives")
    axes.grid(axis="x")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)


def _bars(axes, children: np.ndarray) -> None:
    bars = axes.barh(np.arange(len(children)), children, 0.7, color=GREY)
    axes.bar_label(bars, [f"{value:.1f}" for value in children], padding=3, fontsize=9)
    axes.set_xlim(0, children.max() * 1.2)
    axes.set_xlabel("children in train per\ntest positive, leaked arm")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _curves(axes, curves: pd.DataFrame) -> None:
    for arm in ARMS:
        marker, colour, line = STYLES[arm]
        for index, (_, curve) in enumerate(curves[curves["arm"] == arm].groupby("seed")):
            axes.plot(
                curve["epoch"],
                curve["validation_macro_f1"],
                marker=marker,
                linestyle=line,
                color=colour,
                markersize=3.5,
                linewidth=1.2,
                label=arm if index == 0 else None,
            )
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation\nmacro-F1 at ½")
    axes.set_ylim(0, 1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid()
    axes.legend(loc="center right", fontsize=9)


def main() -> None:
    draw(pd.read_csv(PER_LABEL), pd.read_csv(CURVES), FIGURE)


if __name__ == "__main__":
    main()
