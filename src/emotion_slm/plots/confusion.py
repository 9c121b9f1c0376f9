"""Which emotion is taken for which: what stands in the place of a missed label."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.corpus.labels import LABEL_INDEX, NEUTRAL, SENTIMENT
from emotion_slm.plots.canvas import canvas

WRITTEN = 0.1  # shares from which a cell carries its number


class Confusion(NamedTuple):
    """Of the rows whose gold label i is missed, what is wrongly predicted instead.

    `missed`: (28,) int64 rows. `instead`: (28, 28) float64, [i, j] the share of those rows on
    which label j is predicted without being gold; a row may count for several j. `nothing`: (28,)
    float64, the share on which no label at all is predicted. Shares of no rows are 0.
    """

    missed: np.ndarray
    instead: np.ndarray
    nothing: np.ndarray


def confusion(gold: np.ndarray, predicted: np.ndarray) -> Confusion:
    """Count over (n, 28) gold and predictions, each in {0, 1}."""
    gold, predicted = gold.astype(bool), predicted.astype(bool)
    missed = (gold & ~predicted).astype(np.int64)  # (n, 28)
    wrong = (predicted & ~gold).astype(np.int64)
    rows = missed.sum(axis=0)
    share = np.maximum(rows, 1)
    return Confusion(
        missed=rows,
        instead=missed.T @ wrong / share[:, None],
        nothing=missed[~predicted.any(axis=1)].sum(axis=0) / share,
    )


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
