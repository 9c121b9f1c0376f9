"""F1 per label."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emotion_slm.canvas import canvas, label_axis
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.evaluation.plots.targets import colours, target_legend
from emotion_slm.evaluation.report import label_order

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
