"""Predicted probability against observed share."""

from pathlib import Path

import numpy as np

from emotion_slm.evaluation.metrics import equal_mass_bins
from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas


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
