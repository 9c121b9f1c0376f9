"""Pictures with a row per label: F1, and how many rows carry each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.evaluation.tables import label_order
from emotion_slm.plots.canvas import (
    BLUE,
    GREEN,
    ORANGE,
    canvas,
    colours,
    label_axis,
    legend_above,
    target_legend,
)

HATCH = "///"


def per_label_f1(metrics: Mapping, path: Path, note: str = "") -> None:
    """F1 per label with its bootstrap interval, N, and the macro average.

    `metrics` is the content of metrics/test.json. The targets come first, as in the published
    table; labels with few positives, whose score says little, are hatched.
    """
    from matplotlib.patches import Patch

    order = label_order()
    rows = [metrics["per_label"][label] for label in order]
    f1 = np.array([row["f1"] for row in rows])
    low, high = np.array([row["f1_interval"] for row in rows]).T
    title = "F1 per label on test with 95 % bootstrap intervals, thresholds from validation"
    with canvas(path, 7.8, title, note) as figure:
        axes = figure.subplots()
        macro = axes.axvline(metrics["macro_f1"], color="black", linestyle="--", linewidth=1)
        bars = axes.barh(range(len(order)), f1, 0.72, color=colours(order), edgecolor="white")
        for bar, row in zip(bars, rows, strict=True):
            bar.set_hatch(HATCH if row["few_positives"] else "")
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
        more = {f"macro-F1 {metrics['macro_f1']:.3f}": macro}
        if any(row["few_positives"] for row in rows):
            hatched = Patch(facecolor="white", edgecolor="black", hatch=HATCH)
            more[f"fewer than {FEW_POSITIVES} positives"] = hatched
        target_legend(axes, more, columns=2)


def label_frequency(
    counts_by_split: Mapping[str, Mapping[str, int]], path: Path, note: str = ""
) -> None:
    """Rows per label as grouped bars, one colour per split, on a log axis.

    Labels are sorted by their count in the last split given, which should be a natural one.
    """
    natural = list(counts_by_split.values())[-1]
    order = sorted(LABELS, key=lambda label: -natural.get(label, 0))
    thickness = 0.8 / len(counts_by_split)
    with canvas(path, 10.5, "Rows per label", note) as figure:
        axes = figure.subplots()
        positions = np.arange(len(order))
        for place, ((split, counts), colour) in enumerate(
            zip(counts_by_split.items(), (BLUE, ORANGE, GREEN), strict=False)
        ):
            offset = (place - (len(counts_by_split) - 1) / 2) * thickness
            rows = [counts.get(label, 0) for label in order]
            axes.barh(positions + offset, rows, thickness, color=colour, label=split)
        label_axis(axes, order)
        axes.set_xscale("log")
        axes.set_xlim(left=0.8)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows (log scale)")
        axes.grid(axis="x")
        legend_above(axes, len(counts_by_split))


def corpus_imbalance(counts: Mapping[str, int], path: Path, note: str = "") -> None:
    """Rows per label of the whole corpus, sorted, on a log axis, each bar with its count."""
    order = sorted(LABELS, key=lambda label: -counts.get(label, 0))
    rows = [counts.get(label, 0) for label in order]
    with canvas(path, 7.5, "Label frequency in the corpus", note) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(order)), rows, 0.72, color=colours(order))
        axes.bar_label(bars, [f"{count:,}" for count in rows], padding=4, fontsize=9)
        label_axis(axes, order)
        axes.set_xscale("log")
        axes.set_xlim(0.8, max(rows) * 3)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows (log scale)")
        axes.grid(axis="x")
        target_legend(axes)
