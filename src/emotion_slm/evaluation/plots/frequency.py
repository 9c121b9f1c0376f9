"""How many rows carry each label."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emotion_slm.canvas import BLUE, GREEN, ORANGE, canvas, label_axis, legend_above
from emotion_slm.evaluation.plots.targets import colours, target_legend
from emotion_slm.labels import LABELS


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
