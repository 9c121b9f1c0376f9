"""Every share of every cell: counted, mean and corrected, with its band."""

from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.alerts import Group
from emotion_slm.monitor.assumption import fits
from emotion_slm.monitor.bands import Responses, band, cluster_band, histogram, responses
from emotion_slm.monitor.inputs import Cell, Scored
from emotion_slm.monitor.shares import TWO_SIDED, corrected_shares, mean_errors
from emotion_slm.package.scores import ScoreHistograms, bins_of

CELL_FIELDS = ("counted", "mean", "corrected", "low", "high", "error", "third", "design", "fit")


class Estimates(NamedTuple):
    """Of C cells in order of time and group, and each label; all but `texts` (C, labels).

    `texts`: (C,) how many; `low`, `high`: ends of the 95 % band of `corrected`, or of `mean` where
    there is none; `error`: of `mean`; `third`: third central moment of a probability; `design`: by
    how much clusters inflate the variance; `fit`: `assumption.fits`; `counts`: (C, labels, BINS)
    texts by score. `corrected` is NaN without the
    classifier's histograms.
    """

    cells: list[Cell]
    texts: np.ndarray
    counted: np.ndarray
    mean: np.ndarray
    corrected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    third: np.ndarray
    design: np.ndarray
    fit: np.ndarray
    counts: np.ndarray

    def group(self, name: str) -> tuple[list[int], Group]:
        """Places of a group's cells in order of time, and its series."""
        places = [place for place, cell in enumerate(self.cells) if cell.group == name]
        periods = [self.cells[place].period for place in places]
        series = Group(
            periods,
            self.texts[places],
            self.mean[places],
            self.error[places],
            self.third[places],
        )
        return places, series


class Classifier(NamedTuple):
    """What is known of the classifier for the labels watched: (labels,) thresholds, and how it
    scored validation, None of packages that do not say."""

    thresholds: np.ndarray
    histograms: ScoreHistograms | None


def estimate(
    scored: Scored, classifier: Classifier, rng: np.random.Generator
) -> tuple[Estimates, list[int], Responses | None]:
    """The estimates, for each of their cells its place in `scored.cells`, and response curves."""
    known = responses(classifier.histograms, rng) if classifier.histograms else None
    places = sorted(range(len(scored.cells)), key=lambda place: scored.cells[place])
    order = np.argsort(scored.place, kind="stable")
    ends = np.cumsum(np.bincount(scored.place, minlength=len(places)))
    found, counts = [], []
    for place in places:
        rows = order[ends[place - 1] if place else 0 : ends[place]]
        clusters = None if scored.clusters is None else scored.clusters[rows]
        parts, histograms = _cell(scored.probabilities[rows], clusters, classifier, known, rng)
        found.append(parts)
        counts.append(histograms)
    columns = {name: np.array([parts[name] for parts in found]) for name in CELL_FIELDS}
    texts = np.bincount(scored.place, minlength=len(places))[places]
    cells = [scored.cells[place] for place in places]
    return Estimates(cells, texts, counts=np.array(counts), **columns), places, known


def _cell(
    probabilities: np.ndarray,
    clusters: np.ndarray | None,
    classifier: Classifier,
    known: Responses | None,
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """CELL_FIELDS, each (labels,), of (n, labels) probabilities, and (labels, BINS) counts."""
    mean = probabilities.mean(axis=0, dtype=np.float64)
    alone = mean_errors(probabilities, None)
    error = alone if clusters is None else np.maximum(alone, mean_errors(probabilities, clusters))
    design = np.divide(error, alone, out=np.ones_like(error), where=alone > 0) ** 2
    bins = bins_of(probabilities)
    counts = histogram(bins)
    if known is None or classifier.histograms is None:
        none = np.full(len(mean), np.nan)
        corrected, fit = none, none
        low, high = np.clip((mean - TWO_SIDED * error, mean + TWO_SIDED * error), 0, 1)
    else:
        corrected = corrected_shares(probabilities, classifier.histograms.train_share)
        low, high = (
            band(counts, known, rng)
            if clusters is None
            else cluster_band(bins, clusters, known, rng, design)
        )
        low, high = np.minimum(low, corrected), np.maximum(high, corrected)
        fit = fits(counts, corrected, classifier.histograms)
    values = {
        "counted": (probabilities >= classifier.thresholds).mean(axis=0),
        "mean": mean,
        "corrected": corrected,
        "low": low,
        "high": high,
        "error": error,
        "third": ((probabilities - mean) ** 3).mean(axis=0),
        "design": design,
        "fit": fit,
    }
    return values, counts
