"""Curves of metrics/plots as pictures: of one run, or of two laid over each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas

Table = list[dict[str, str]]
COLOURS = (BLUE, ORANGE)


class Panel(NamedTuple):
    """Columns of a table over another of its columns: name in words → column of y.

    `axis` names x in words.
    """

    title: str
    x: str
    lines: Mapping[str, str]
    axis: str = "epoch"


class Curve(NamedTuple):
    """A table that is drawn. `diagonal`: a line marks where x and y are the same."""

    path: Path
    title: str
    caption: str
    panels: Sequence[Panel]
    diagonal: bool = False


_TRAINING = (
    Panel("loss", "epoch", {"train": "train_loss", "validation": "validation_loss"}),
    Panel(
        "on validation",
        "epoch",
        {"mAP": "validation_map", "macro-F1 untuned": "validation_macro_f1"},
    ),
)
_PROBABILITY = "mean probability"
CURVES = (
    Curve(
        paths.PLOTS / "adapt_curve.csv",
        "Adaptation of the encoder",
        "Loss and scores after each epoch of stage adapt. A soup has its trainings one after the "
        "other, then their mean.",
        _TRAINING,
    ),
    Curve(
        paths.PLOTS / "finetune_curve.csv",
        "Training of the classifier",
        "Loss and scores after each epoch of stage finetune.",
        _TRAINING,
    ),
    Curve(
        paths.PLOTS / "reliability.csv",
        "Reliability on test",
        "Observed share over predicted probability on test: on the dotted line they agree.",
        (
            Panel("raw", "raw_mean", {"observed share": "raw_observed"}, _PROBABILITY),
            Panel(
                "calibrated",
                "calibrated_mean",
                {"observed share": "calibrated_observed"},
                _PROBABILITY,
            ),
        ),
        diagonal=True,
    ),
)


def draw(curve: Curve, now: Table, base: Table | None = None) -> bytes:
    """A PNG of the curve's panels side by side; those of `base`, if any, grey and dashed.

    A column that a table lacks is left out. EmotionSlmError when a cell is not a number.
    """
    with TemporaryDirectory() as folder:
        target = Path(folder) / "curve.png"
        note = "base grey and dashed" if base else ""
        with canvas(target, 3.2, curve.title, note) as figure:
            for panel, axes in zip(
                curve.panels, figure.subplots(1, len(curve.panels)), strict=True
            ):
                if curve.diagonal:
                    axes.axline((0, 0), slope=1, color=GREY, linestyle=":")
                for place, (name, y) in enumerate(panel.lines.items()):
                    was = _points(curve, panel.x, y, base or [])
                    axes.plot(*was, "o--", color=GREY, markersize=4)
                    found = _points(curve, panel.x, y, now)
                    axes.plot(*found, "o-", color=COLOURS[place], markersize=4, label=name)
                axes.set_title(panel.title)
                axes.set_xlabel(panel.axis)
                if panel.x == "epoch":
                    first, last = axes.get_xlim()
                    if last - first < 1:  # one epoch, which has no whole number beside it
                        axes.set_xlim(first - 1, last + 1)
                    axes.xaxis.get_major_locator().set_params(integer=True)
                axes.grid()
                if len(panel.lines) > 1:
                    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
                else:
                    axes.set_ylabel(*panel.lines)
        return target.read_bytes()


def _points(curve: Curve, x: str, y: str, table: Table) -> tuple[list[float], list[float]]:
    """The numbers of two columns, of the rows that have both."""
    try:
        found = [(float(row[x]), float(row[y])) for row in table if x in row and y in row]
    except ValueError as error:
        raise EmotionSlmError(f"{curve.path}: a cell is not a number ({error})") from error
    return [point[0] for point in found], [point[1] for point in found]
