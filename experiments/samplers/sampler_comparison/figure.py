"""Stage figure: differences.csv and overall.json → differences.png.

Drawn without pyplot, so that no display and no global state is involved; the file carries no
version or date, so that equal numbers give equal bytes.
"""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sampler_comparison.names import ALL, NONE
from sampler_comparison.scores import METRICS
from sampler_comparison.summary import DIFFERENCES, OVERALL

OUTPUT = Path("differences.png")
RIVALS = ("SMOTE", NONE)
TITLES = {"f1": "F1", "g_mean": "G-mean", "auc": "AUC", "brier": "Brier, sign reversed"}
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8a8a8a"  # Okabe and Ito, and grey
COLOURS = {"win": BLUE, "tie": GREY, "loss": ORANGE}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e2e2e2",
    "legend.frameon": False,
}


def draw(differences: pd.DataFrame, overall: dict) -> Figure:
    """A row of panels per rival, one panel per metric, one line per problem and one for all.

    Right is better for ISMOTE in every panel. The rows of panels have scales of their own.
    """
    means = differences[differences["classifier"] == ALL]
    problems = list(means["problem"].unique())
    figure = Figure(figsize=(11, 8.4), dpi=150, layout="constrained")
    panels = figure.subplots(len(RIVALS), len(METRICS), sharey=True)
    for rival, row in zip(RIVALS, panels, strict=True):
        for (metric, higher_is_better), axes in zip(METRICS.items(), row, strict=True):
            shown = means[(means["rival"] == rival) & (means["metric"] == metric)]
            sign = 1 if higher_is_better else -1
            for place, entry in enumerate(shown.itertuples()):
                _interval(axes, place, sign, entry._asdict(), COLOURS[entry.verdict], "o")
            _interval(axes, len(problems), sign, overall[metric][rival][ALL], "black", "D")
            axes.axvline(0, color="black", linewidth=0.8, zorder=1.5)
            axes.axhline(len(problems) - 0.5, color="#cccccc", linewidth=0.8)
            axes.set_title(TITLES[metric])
            axes.grid(axis="x")
            axes.tick_params(axis="y", length=0)
            axes.xaxis.get_major_locator().set_params(nbins=5)
        row[0].set_ylabel(f"ISMOTE − {rival}", fontsize=11, fontweight="bold")
    panels[0, 0].set_yticks(np.arange(len(problems) + 1), [*problems, "mean of problems"])
    panels[0, 0].invert_yaxis()
    figure.legend(handles=_handles(), loc="outside upper center", ncols=4)
    return figure


def _interval(axes: Axes, place: int, sign: int, entry: dict, colour: str, marker: str) -> None:
    ends = sign * entry["low"], sign * entry["high"]
    axes.plot(ends, (place, place), color=colour, linewidth=1.6, solid_capstyle="round")
    axes.plot(sign * entry["mean"], place, marker, color=colour, markersize=5)


def _handles() -> list[Line2D]:
    meanings = {BLUE: "ISMOTE better", GREY: "interval covers 0", ORANGE: "ISMOTE worse"}
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=5, label=label)
        for colour, label in meanings.items()
    ]
    label = "mean, interval over problems"
    return [*handles, Line2D([], [], color="black", marker="D", markersize=5, label=label)]


def main() -> None:
    overall = json.loads(OVERALL.read_text(encoding="utf-8"))["differences"]
    with mpl.rc_context(STYLE):
        draw(pd.read_csv(DIFFERENCES), overall).savefig(OUTPUT, metadata={"Software": None})


if __name__ == "__main__":
    main()
