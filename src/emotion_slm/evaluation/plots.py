"""The figures of stage evaluate."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emotion_slm import files
from emotion_slm.canvas import BLUE, GREEN, GREY, ORANGE, canvas, label_axis, legend_above
from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.metrics import equal_mass_bins
from emotion_slm.evaluation.ranking import average_precisions
from emotion_slm.evaluation.report import label_order
from emotion_slm.labels import LABEL_INDEX, LABELS, TARGETS

CURVE_COLUMNS = (
    "epoch", "train_loss", "validation_loss", "validation_map", "validation_macro_f1",
)  # fmt: skip


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
        bars = axes.barh(range(len(order)), rows, 0.72, color=_colours(order))
        axes.bar_label(bars, [f"{count:,}" for count in rows], padding=4, fontsize=9)
        label_axis(axes, order)
        axes.set_xscale("log")
        axes.set_xlim(0.8, max(rows) * 3)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows (log scale)")
        axes.grid(axis="x")
        _target_legend(axes)


def training_curve(curves: Mapping[str, Path], path: Path, note: str = "") -> None:
    """Losses, and mAP and macro-F1 on validation, per epoch: one row of panels per curve.

    `curves` maps a stage's name to its CSV with CURVE_COLUMNS; one without epochs (a frozen
    encoder) is left out.
    """
    histories = {name: _read_curve(source) for name, source in curves.items()}
    histories = {name: history for name, history in histories.items() if len(history["epoch"])}
    with canvas(path, 0.4 + 2.9 * max(len(histories), 1), "Training", note) as figure:
        panels = figure.subplots(max(len(histories), 1), 2, squeeze=False)
        for (name, history), (loss, quality) in zip(histories.items(), panels, strict=False):
            epochs = history["epoch"]
            loss.plot(epochs, history["train_loss"], "o-", color=GREY, label="train")
            loss.plot(epochs, history["validation_loss"], "o-", color=BLUE, label="validation")
            loss.set_title(f"{name}: loss")
            quality.plot(
                epochs,
                history["validation_map"],
                "o-",
                color=ORANGE,
                label="mean average precision",
            )
            quality.plot(
                epochs, history["validation_macro_f1"], "o-", color=GREEN, label="macro-F1 at 0.5"
            )
            quality.set_title(f"{name}: validation")
            for axes in (loss, quality):
                axes.set_xlabel("epoch")
                axes.set_xlim(0.5, epochs[-1] + 0.5)
                axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
                axes.grid()
                axes.legend()


def per_label_f1(metrics: Mapping, path: Path, note: str = "") -> None:
    """F1 per label, the targets first as in the published table, with N and the macro average."""
    order = label_order()
    rows = [metrics["per_label"][label] for label in order]
    title = "F1 per label on test, thresholds from validation"
    with canvas(path, 7.5, title, note) as figure:
        axes = figure.subplots()
        macro = axes.axvline(metrics["macro_f1"], color="black", linestyle="--", linewidth=1)
        bars = axes.barh(
            range(len(order)), [row["f1"] for row in rows], 0.72, color=_colours(order)
        )
        plain = {"color": "white", "pad": 0.6}  # keeps the numbers clear of lines
        axes.bar_label(
            bars, [f"{row['f1']:.2f}" for row in rows], padding=4, fontsize=9, bbox=plain
        )
        for position, row in enumerate(rows):
            axes.text(1.1, position, f"{row['support']:,}", ha="right", va="center", fontsize=9)
        axes.text(1.1, -1, "N", ha="right", va="center")
        label_axis(axes, order)
        axes.set_xlim(0, 1.1)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel("F1")
        axes.grid(axis="x")
        _target_legend(axes, {f"macro-F1 {metrics['macro_f1']:.3f}": macro})


def precision_recall(
    gold: np.ndarray, probabilities: np.ndarray, path: Path, note: str = ""
) -> None:
    """A precision-recall curve per label as small multiples, with AP and the share of positives.

    `gold` and `probabilities` are (n, 28). A label without positives has an empty panel.
    """
    from sklearn.metrics import precision_recall_curve

    average_precision = average_precisions(gold, probabilities)
    title = "Precision and recall per label on test (dotted: share of positives)"
    with canvas(path, 12, title, note) as figure:
        panels = figure.subplots(7, 4, sharex=True, sharey=True)
        for axes, label in zip(panels.ravel(), label_order(), strict=True):
            column = LABEL_INDEX[label]
            positives = int(gold[:, column].sum())
            if positives:
                precision, recall, _ = precision_recall_curve(
                    gold[:, column], probabilities[:, column]
                )
                colour = _colours([label])[0]
                axes.plot(recall, precision, color=colour, drawstyle="steps-post", linewidth=1.4)
                axes.axhline(positives / len(gold), color=GREY, linestyle=":", linewidth=1)
            axes.set_title(
                f"{label}\nAP {average_precision[column]:.2f}, N = {positives:,}", fontsize=9
            )
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            axes.grid()
        figure.supxlabel("recall", fontsize=10)
        figure.supylabel("precision", fontsize=10)


def reliability(
    gold: np.ndarray, before: np.ndarray, after: np.ndarray, path: Path, note: str = ""
) -> None:
    """Predicted probability against observed share, all labels pooled, in 15 equal-mass bins.

    Drawn on linear and on log axes: most entries are improbable labels, which a linear axis hides.
    """
    series = (("raw sigmoid", before, ORANGE), ("calibrated", after, BLUE))
    title = "Reliability on test, all labels pooled, 15 equal-mass bins"
    with canvas(path, 4.3, title, note) as figure:
        for axes, scale in zip(figure.subplots(1, 2), ("linear", "log"), strict=True):
            lowest = 1.0
            for name, probabilities, colour in series:
                confidence, observed, _ = equal_mass_bins(gold.ravel(), probabilities.ravel())
                seen = observed > 0
                axes.plot(confidence[seen], observed[seen], "o-", color=colour, label=name)
                lowest = min(lowest, confidence[seen].min(), observed[seen].min())
            start = 0.0 if scale == "linear" else lowest / 2
            axes.plot([start, 1], [start, 1], color=GREY, linestyle="--", label="perfect", zorder=1)
            axes.set(xscale=scale, yscale=scale, xlim=(start, 1), ylim=(start, 1))
            axes.set(xlabel="mean predicted probability", title=f"{scale} axes", aspect="equal")
            axes.grid()
        figure.axes[0].set_ylabel("observed share of positives")
        figure.axes[0].legend(loc="upper left")


def _colours(labels: Sequence[str]) -> list[str]:
    return [BLUE if label in TARGETS else GREY for label in labels]


def _target_legend(axes, more: Mapping[str, object] | None = None) -> None:
    from matplotlib.patches import Patch

    entries = {
        "target emotion": Patch(color=BLUE),
        "other label": Patch(color=GREY),
        **(more or {}),
    }
    legend_above(axes, len(entries), entries.values(), entries.keys())


def _read_curve(source: Path) -> dict[str, np.ndarray]:
    with files.require(source).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    missing = [column for column in CURVE_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise EmotionSlmError(f"{source}: column {missing[0]!r} is missing; run its stage again")
    return {column: np.array([float(row[column]) for row in rows]) for column in CURVE_COLUMNS}
