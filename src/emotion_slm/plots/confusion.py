"""Which label is taken for which: what stands in the place of a missed one, or all pairs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.corpus.labels import LabelSet
from emotion_slm.plots.canvas import canvas

MOST = 60  # labels drawn
WRITTEN = 0.1  # shares from which a cell carries its number
ROOMY = 8  # labels, up to which every cell of a matrix has room for two lines


class Confusion(NamedTuple):
    """Of the rows whose gold label i is missed, what is wrongly predicted instead.

    `missed`: (labels,) int64 rows. `instead`: (labels, labels) float64, [i, j] the share of those
    rows on which label j is predicted without being gold; a row may count for several j. `nothing`:
    (labels,) float64, the share on which no label at all is predicted. Shares of no rows are 0.
    """

    missed: np.ndarray
    instead: np.ndarray
    nothing: np.ndarray


def confusion(gold: np.ndarray, predicted: np.ndarray) -> Confusion:
    """Count over (n, labels) gold and predictions, each in {0, 1}."""
    gold, predicted = gold.astype(bool), predicted.astype(bool)
    missed = (gold & ~predicted).astype(np.int64)  # (n, labels)
    wrong = (predicted & ~gold).astype(np.int64)
    rows = missed.sum(axis=0)
    share = np.maximum(rows, 1)
    return Confusion(
        missed=rows,
        instead=missed.T @ wrong / share[:, None],
        nothing=missed[~predicted.any(axis=1)].sum(axis=0) / share,
    )


def confusions(found: Confusion, labels: LabelSet, path: Path, note: str = "") -> None:
    """A heat map: for every missed gold label, what was wrongly predicted instead, in percent.

    Labels stand in the first grouping's groups, if there is one, so that mix-ups within a group
    are near the diagonal; of very many labels those that are missed most often are drawn.
    """
    groupings = [labels.grouped(name).values() for name in labels.groups] or [[labels.names]]
    most = set(np.argsort(-found.missed, kind="stable")[:MOST])
    groups: list[list[str]] = []
    for group in groupings[0]:
        drawn = {label for earlier in groups for label in earlier}
        groups.append([name for name in group if labels.index[name] in most and name not in drawn])
    groups = [group for group in groups if group]
    order = [label for group in groups for label in group]
    columns = labels.columns(order)
    shares = np.column_stack([found.instead[np.ix_(columns, columns)], found.nothing[columns]])
    title = "What is predicted instead of a missed label, % of its missed test rows"
    with canvas(path, max(4, 1.4 + len(order) / 4), title, note) as figure:
        axes = figure.subplots()
        # Without any missed row all is 0, which has no scale of its own.
        most = 100 * shares.max() or 100
        image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=most, aspect="auto")
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
        names = [f"{label} ({found.missed[labels.index[label]]:,})" for label in order]
        axes.set_yticks(range(len(order)), names, fontsize=8)
        axes.set_xticks(range(len(order) + 1), [*order, "no label"], fontsize=8, rotation=90)
        axes.tick_params(length=0)
        axes.set_ylabel("missed gold label (rows)")
        axes.set_xlabel("predicted, but not gold")
        figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01).outline.set_visible(False)


def confusion_matrix(
    gold: np.ndarray, predicted: np.ndarray, labels: LabelSet, path: Path, note: str = ""
) -> None:
    """A heat map of rows by gold and predicted label, (n, labels) with exactly one 1 a row each.

    The shade is the share of the gold label's rows, which the cell gives in percent; below it
    stands their number where there is room. Of very many labels the most frequent are drawn.
    """
    rows = gold.astype(np.int64).T @ predicted.astype(np.int64)  # (labels, labels)
    support = rows.sum(axis=1)
    most = set(np.argsort(-support, kind="stable")[:MOST])
    order = [name for name in labels.targets_first if labels.index[name] in most]
    columns = labels.columns(order)
    drawn = rows[np.ix_(columns, columns)]
    shares = drawn / np.maximum(support[columns], 1)[:, None]
    roomy = len(order) <= ROOMY
    title = "Gold and predicted labels, % of the gold label's test rows"
    with canvas(path, max(4, 1.4 + len(order) * (0.8 if roomy else 0.25)), title, note) as figure:
        axes = figure.subplots()
        image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for row, column in np.argwhere(drawn if roomy else shares >= WRITTEN):
            share = shares[row, column]
            number = f"\n{drawn[row, column]:,}" if roomy else ""
            axes.text(
                column, row, f"{100 * share:.0f} %{number}" if roomy else f"{100 * share:.0f}",
                ha="center", va="center", fontsize=10 if roomy else 7,
                color="white" if share > 0.55 else "black",
            )  # fmt: skip
        names = [f"{name} ({support[labels.index[name]]:,})" for name in order]
        size = 10 if roomy else 8
        axes.set_yticks(range(len(order)), names, fontsize=size)
        axes.set_xticks(range(len(order)), order, fontsize=size, rotation=0 if roomy else 90)
        axes.tick_params(length=0)
        axes.set_ylabel("gold label (rows)")
        axes.set_xlabel("predicted label")
        figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01).outline.set_visible(False)
