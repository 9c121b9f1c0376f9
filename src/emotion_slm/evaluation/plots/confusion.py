"""Which emotion is taken for which."""

from pathlib import Path

import numpy as np

from emotion_slm.canvas import canvas
from emotion_slm.evaluation.confusion import Confusion
from emotion_slm.labels import LABEL_INDEX, NEUTRAL, SENTIMENT

WRITTEN = 0.1  # shares from which a cell carries its number


def confusions(found: Confusion, path: Path, note: str = "") -> None:
    """A heat map: for every missed gold label, what was wrongly predicted instead, in percent.

    Labels are grouped by sentiment, so that mix-ups within a group stand near the diagonal.
    """
    groups = [*SENTIMENT.values(), (NEUTRAL,)]
    order = [label for group in groups for label in group]
    columns = [LABEL_INDEX[label] for label in order]
    shares = np.column_stack([found.instead[np.ix_(columns, columns)], found.nothing[columns]])
    title = "What is predicted instead of a missed label, % of its missed test rows"
    with canvas(path, 8.4, title, note) as figure:
        axes = figure.subplots()
        image = axes.imshow(100 * shares, cmap="Blues", vmin=0, aspect="auto")
        for row, column in np.argwhere(shares >= WRITTEN):
            share = shares[row, column]
            axes.text(
                column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
                color="white" if share > 0.55 * shares.max() else "black",
            )  # fmt: skip
        for edge in np.cumsum([len(group) for group in groups]):
            axes.axvline(edge - 0.5, color="black", linewidth=0.8)
            if edge < len(order):
                axes.axhline(edge - 0.5, color="black", linewidth=0.8)
        names = [f"{label} ({found.missed[LABEL_INDEX[label]]:,})" for label in order]
        axes.set_yticks(range(len(order)), names, fontsize=8)
        axes.set_xticks(range(len(order) + 1), [*order, "no label"], fontsize=8, rotation=90)
        axes.tick_params(length=0)
        axes.set_ylabel("missed gold label (rows)")
        axes.set_xlabel("predicted, but not gold")
        figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01).outline.set_visible(False)
