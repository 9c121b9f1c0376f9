"""The pictures of stage evaluate: F1 per label, and a small panel per label on common axes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from emotion_slm.calibration.thresholds import Thresholds, f1_curves, threshold_grid
from emotion_slm.common import paths
from emotion_slm.common.ranking import average_precisions
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation.evaluate import Evaluation, Scored
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.plots.canvas import (
    GREY,
    ORANGE,
    canvas,
    colours,
    has_others,
    label_axis,
    target_legend,
)
from emotion_slm.plots.confusion import confusion, confusion_matrix, confusions

CURVE_STEP = 0.01  # between the thresholds at which F1 is drawn
HATCH = "///"
PANELS, ACROSS = 60, 4  # labels drawn at most in panels of their own, and panels in a row


def draw(evaluation: Evaluation, validation: Scored, test: Scored, note: str = "") -> None:
    """Write the PNG files of metrics/plots; `note`: what is to be said of the corpus."""
    choice, thresholds = evaluation.decision
    predicted = evaluation.decision.predicted(evaluation.probabilities)
    labels = test.labels

    def png(name: str) -> Path:
        return paths.PLOTS / f"{name}.png"

    per_label_f1(evaluation.per_label, labels, png("per_label_f1"), note)
    ranked_by = evaluation.probabilities if labels.single else test.logits
    precision_recall(test.gold, ranked_by, labels, png("precision_recall"), note)
    if thresholds is None:
        confusion_matrix(test.gold, predicted, labels, png("confusions"), note)
        no_thresholds(png("threshold_curves"), note)
        return
    grid = threshold_grid(CURVE_STEP)
    validation_f1 = f1_curves(choice.cross_fitted, validation.gold, grid)
    confusions(confusion(test.gold, predicted), labels, png("confusions"), note)
    threshold_curves(grid, validation_f1, thresholds, labels, png("threshold_curves"), note)


def per_label_f1(
    per_label: Sequence[Mapping], labels: LabelSet, path: Path, note: str = ""
) -> None:
    """F1 per label with its bootstrap interval, N, and the macro average.

    `per_label`: the rows of metrics/plots/per_label.csv. The targets come first, as in the
    published table; labels with few positives, whose score says little, are hatched.
    """
    from matplotlib.patches import Patch

    order = labels.targets_first
    row_of = {row["label"]: row for row in per_label}
    rows = [row_of[label] for label in order]
    few = [row["support"] < FEW_POSITIVES for row in rows]
    f1, low, high = np.array([[row["f1"], row["f1_low"], row["f1_high"]] for row in rows]).T
    title = "F1 per label on test with 95 % bootstrap intervals" + (
        "" if labels.single else ", thresholds from validation"
    )
    with canvas(path, max(3, 1.5 + 0.225 * len(order)), title, note) as figure:
        axes = figure.subplots()
        macro = axes.axvline(f1.mean(), color="black", linestyle="--", linewidth=1)
        bars = axes.barh(
            range(len(order)), f1, 0.72, color=colours(order, labels.targets), edgecolor="white"
        )
        for bar, hatched in zip(bars, few, strict=True):
            bar.set_hatch(HATCH if hatched else "")
        # A percentile interval need not hold the score itself: lines, not lengths on either side.
        axes.hlines(range(len(order)), low, high, color="black", linewidth=1.2)
        axes.plot(low, range(len(order)), "|", high, range(len(order)), "|", color="black")
        for position, row in enumerate(rows):
            for right, text in ((1.08, f"{row['f1']:.2f}"), (1.2, f"{row['support']:,}")):
                axes.text(right, position, text, ha="right", va="center", fontsize=9)
        for right, text in ((1.08, "F1"), (1.2, "N")):
            axes.text(right, -1, text, ha="right", va="center")
        label_axis(axes, order)
        axes.set_xlim(0, 1.2)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel("F1")
        axes.grid(axis="x")
        more = {f"macro-F1 {f1.mean():.3f}": macro}
        if any(few):
            patch = Patch(facecolor="white", edgecolor="black", hatch=HATCH)
            more[f"fewer than {FEW_POSITIVES} positives"] = patch
        target_legend(axes, labels, more, columns=2)


def precision_recall(
    gold: np.ndarray, scores: np.ndarray, labels: LabelSet, path: Path, note: str = ""
) -> None:
    """A precision-recall curve per label as small multiples, with AP and the base rate.

    `gold` and `scores` are (n, labels), the scores raw logits, as a calibration may pool some into
    ties, or probabilities where a row carries exactly one label. A label without positives has an
    empty panel.
    """
    from sklearn.metrics import precision_recall_curve

    average_precision = average_precisions(gold, scores)
    blue = "blue: target label; " if has_others(labels) else ""
    title = f"Precision and recall per label on test\n{blue}dotted: base rate"
    with _panels(path, labels, title, note, "recall", "precision") as panels:
        for axes, label in panels:
            column = labels.index[label]
            positives = int(gold[:, column].sum())
            if positives:
                precision, recall, _ = precision_recall_curve(gold[:, column], scores[:, column])
                colour = colours([label], labels.targets)[0]
                axes.plot(recall, precision, color=colour, drawstyle="steps-post", linewidth=1.4)
                axes.axhline(positives / len(gold), color=GREY, linestyle=":", linewidth=1)
            axes.set_title(
                f"{label}\nAP {average_precision[column]:.2f}, N = {positives:,}", fontsize=9
            )


def threshold_curves(
    grid: np.ndarray,
    f1: np.ndarray,
    chosen: Thresholds,
    labels: LabelSet,
    path: Path,
    note: str = "",
) -> None:
    """F1 on validation over the threshold, per label, with the threshold chosen and the global one.

    `grid` is (m,), `f1` (labels, m). A steep or ragged curve is a label whose threshold is
    uncertain: there the chosen one is drawn towards the global one.
    """
    blue = "blue: target label; " if has_others(labels) else ""
    title = (
        "F1 per label over the threshold, validation\n"
        f"{blue}dot: chosen; dotted: one for all labels"
    )
    with _panels(path, labels, title, note, "threshold", "F1") as panels:
        for axes, label in panels:
            column = labels.index[label]
            threshold = chosen.per_label[column]
            reached = np.interp(threshold, grid, f1[column])
            axes.plot(grid, f1[column], color=colours([label], labels.targets)[0], linewidth=1.4)
            axes.axvline(chosen.global_threshold, color=GREY, linestyle=":", linewidth=1)
            axes.plot(threshold, reached, "o", color=ORANGE, markersize=5)
            axes.set_title(f"{label}\nF1 {reached:.2f} at {threshold:.2f}", fontsize=9)


def no_thresholds(path: Path, note: str = "") -> None:
    """In the place of `threshold_curves`, where each row carries exactly one label."""
    with canvas(path, 1.2, "No thresholds", note) as figure:
        words = "Each text gets its most probable label: nothing is to be reached."
        figure.text(0.5, 0.2, words, ha="center")


@contextmanager
def _panels(
    path: Path, labels: LabelSet, title: str, note: str, across: str, up: str
) -> Iterator[Iterator]:
    """A figure of a small panel per label, from 0 to 1 on both axes; yields (axes, label) of each.

    The targets come first; of very many labels PANELS are drawn.

    The panels do not share their axes: of 28 that do, each asks all others for every limit, which
    takes half as long again.
    """
    shown = labels.targets_first[:PANELS]
    if len(shown) < len(labels):
        title += f"\nthe first {len(shown)} of {len(labels)} labels"
    columns = min(ACROSS, len(shown))
    down = -(-len(shown) // columns)
    with canvas(path, 1.75 + down * 41 / 28, title, note) as figure:
        panels = figure.subplots(down, columns, squeeze=False).ravel()
        for axes in panels[len(shown) :]:
            axes.remove()
        for axes in panels[: len(shown)]:
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            axes.label_outer()
            axes.grid()
        figure.supxlabel(across, fontsize=10)
        figure.supylabel(up, fontsize=10)
        yield zip(panels, shown, strict=False)
