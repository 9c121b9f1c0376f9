"""One small panel per label, all on the same axes."""

from pathlib import Path

import numpy as np

from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.ranking import average_precisions
from emotion_slm.corpus.labels import LABEL_INDEX
from emotion_slm.evaluation.tables import label_order
from emotion_slm.plots.canvas import GREY, ORANGE, canvas, colours


def precision_recall(gold: np.ndarray, scores: np.ndarray, path: Path, note: str = "") -> None:
    """A precision-recall curve per label as small multiples, with AP and the base rate.

    `gold` and `scores` are (n, 28), the scores raw logits: a calibration may pool some into ties.
    A label without positives has an empty panel.
    """
    from sklearn.metrics import precision_recall_curve

    average_precision = average_precisions(gold, scores)
    title = "Precision and recall per label on test\nblue: target emotion; dotted: base rate"
    with canvas(path, 12, title, note) as figure:
        panels = figure.subplots(7, 4, sharex=True, sharey=True)
        for axes, label in zip(panels.ravel(), label_order(), strict=True):
            column = LABEL_INDEX[label]
            positives = int(gold[:, column].sum())
            if positives:
                precision, recall, _ = precision_recall_curve(gold[:, column], scores[:, column])
                colour = colours([label])[0]
                axes.plot(recall, precision, color=colour, drawstyle="steps-post", linewidth=1.4)
                axes.axhline(positives / len(gold), color=GREY, linestyle=":", linewidth=1)
            axes.set_title(
                f"{label}\nAP {average_precision[column]:.2f}, N = {positives:,}", fontsize=9
            )
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            axes.grid()
        figure.supxlabel("recall", fontsize=10)
        figure.supylabel("precision", fontsize=10)


def threshold_curves(
    grid: np.ndarray, f1: np.ndarray, chosen: Thresholds, path: Path, note: str = ""
) -> None:
    """F1 on validation over the threshold, per label, with the threshold chosen and the global one.

    `grid` is (m,), `f1` (28, m). A steep or ragged curve is a label whose threshold is uncertain:
    there the chosen one is drawn towards the global one.
    """
    title = (
        "F1 per label over the threshold, validation\n"
        "blue: target emotion; dot: chosen; dotted: one for all labels"
    )
    with canvas(path, 12, title, note) as figure:
        panels = figure.subplots(7, 4, sharex=True, sharey=True)
        for axes, label in zip(panels.ravel(), label_order(), strict=True):
            column = LABEL_INDEX[label]
            threshold = chosen.per_label[column]
            reached = np.interp(threshold, grid, f1[column])
            axes.plot(grid, f1[column], color=colours([label])[0], linewidth=1.4)
            axes.axvline(chosen.global_threshold, color=GREY, linestyle=":", linewidth=1)
            axes.plot(threshold, reached, "o", color=ORANGE, markersize=5)
            axes.set_title(f"{label}\nF1 {reached:.2f} at {threshold:.2f}", fontsize=9)
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            axes.grid()
        figure.supxlabel("threshold", fontsize=10)
        figure.supylabel("F1", fontsize=10)
