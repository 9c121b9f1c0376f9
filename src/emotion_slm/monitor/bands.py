"""Bands around corrected shares: a bootstrap over texts, or clusters of them, and validation rows.

Two things make a corrected share uncertain. The period has only so many texts; and how the
classifier scores a label's texts is known from so many validation rows, few of a rare label. A
replicate resamples both. What the second does to a share is read from a response curve: the share
that EM finds in a mixture of resampled validation rows, over the share that was mixed in. A
replicate's share is the one whose response equals what EM finds in the resampled texts. So a band
also takes back what EM errs by where the calibration is not exact.
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.assumption import fits
from emotion_slm.monitor.clusters import effective, few, wider
from emotion_slm.monitor.shares import (
    Corrected,
    corrected_shares,
    likelihood_band,
    likelihood_ratios,
    mean_errors,
    most_likely_shares,
)
from emotion_slm.package.scores import BINS, CENTRES, ScoreHistograms, bins_of, histogram

REPLICATES = 200
ENDS = (0.025, 0.975)
PROBABILITIES = 1 / (1 + np.exp(-CENTRES))  # (BINS,)
# True shares at which a response curve is computed: closer where labels are rare.
GRID = np.concatenate([[0.0], np.geomspace(0.0005, 0.9, 22), [1.0]])
# Shares between which EM's is interpolated in replicates: to a hundredth of itself.
NODES = np.concatenate([[0.0], np.geomspace(0.0002, 0.95, 56), [1.0]])
ROWS_AT_ONCE = 16_384  # or clusters: they bound memory
MANY = 30  # from here on a Poisson count is drawn as a normal one, which is faster


class Responses(NamedTuple):
    """Response curves of resampled validation rows.

    `ratios`: (labels, BINS) likelihood ratios; `pulls`: (labels, BINS, NODES) what a text in a bin
    adds to the slope of the likelihood at each node; `curves`: (REPLICATES, labels, GRID) what EM
    finds, non-decreasing over GRID.
    """

    ratios: np.ndarray
    pulls: np.ndarray
    curves: np.ndarray

    def of(self, label: int) -> "Responses":
        """Of one label alone."""
        return Responses(self.ratios[[label]], self.pulls[[label]], self.curves[:, [label]])


def responses(histograms: ScoreHistograms, rng: np.random.Generator) -> Responses:
    """Response curves of REPLICATES resamples of the validation rows in `histograms`.

    A label without validation rows of both kinds answers with the share itself.
    """
    ratios = likelihood_ratios(PROBABILITIES[:, None], histograms.train_share).T
    excess = (ratios - 1)[..., None]
    pulls = excess / (1 + NODES * excess)
    of_kind = []
    for counts in (histograms.positives, histograms.negatives):
        totals = counts.sum(axis=1)
        drawn = rng.multinomial(totals, counts / np.maximum(totals, 1)[:, None],
                                size=(REPLICATES, len(counts)))  # fmt: skip
        of_kind.append(_slopes(drawn / np.maximum(totals, 1)[:, None], pulls))
    with_label, without = (slopes[:, :, None] for slopes in of_kind)
    share = GRID[:, None]
    curves = _roots(share * with_label + (1 - share) * without)
    unknown = (histograms.positives.sum(axis=1) == 0) | (histograms.negatives.sum(axis=1) == 0)
    curves[:, unknown] = GRID
    return Responses(ratios, pulls, np.maximum.accumulate(curves, axis=2))


def _slopes(counts: np.ndarray, pulls: np.ndarray) -> np.ndarray:
    """(REPLICATES, labels, BINS) counts → (REPLICATES, labels, NODES) slopes of the likelihood."""
    return np.matmul(counts.transpose(1, 0, 2), pulls).transpose(1, 0, 2)


def _roots(slopes: np.ndarray) -> np.ndarray:
    """(…,) shares at which (…, NODES) falling slopes are 0; 0 or 1 where none is."""
    place = np.clip((slopes > 0).sum(axis=-1), 1, len(NODES) - 1)
    left = np.take_along_axis(slopes, place[..., None] - 1, axis=-1)[..., 0]
    right = np.take_along_axis(slopes, place[..., None], axis=-1)[..., 0]
    fall = left - right
    part = np.divide(left, fall, out=np.zeros_like(left), where=fall > 0)
    return NODES[place - 1] + np.clip(part, 0, 1) * (NODES[place] - NODES[place - 1])


class LabelShares:
    """Corrects shares of labels, each for itself."""

    def __init__(self, known: ScoreHistograms, rng: np.random.Generator):
        self.known = known
        self.responses = responses(known, rng)

    def corrected(
        self,
        probabilities: np.ndarray,
        clusters: np.ndarray | None,
        rng: np.random.Generator,
        column: int | None = None,
    ) -> Corrected:
        """Of (n, labels) probabilities; of one label alone, by its `column`, if it is given."""
        known, curves = self.known, self.responses
        if column is not None:
            known, curves = known.of(column), curves.of(column)
            probabilities = probabilities[:, [column]]
        bins = bins_of(probabilities)
        counts = histogram(bins)
        share = corrected_shares(probabilities, known.train_share)
        if clusters is None:
            low, high = band(counts, curves, rng)
        else:
            alone, error = mean_errors(probabilities, None), mean_errors(probabilities, clusters)
            design = np.divide(error, alone, out=np.ones_like(error), where=alone > 0) ** 2
            low, high = cluster_band(bins, clusters, curves, rng, np.maximum(design, 1))
        fit = fits(counts, share, known)
        return Corrected(share, np.minimum(low, share), np.maximum(high, share), fit)


Ends = tuple[np.ndarray, np.ndarray]


def band(
    counts: np.ndarray,
    known: Responses,
    rng: np.random.Generator,
    design: np.ndarray | float = 1.0,
) -> Ends:
    """Ends of the 95 % band of the corrected shares, each (labels,); `counts`: (labels, BINS).

    `design`: (labels,), how many times that of independent texts their variance is, where they come
    in clusters.
    """
    each = np.broadcast_to(design, len(counts))[:, None]
    counts = counts / each
    return _band(_poisson(counts, rng), counts, known)


def _poisson(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(REPLICATES, labels, BINS) Poisson counts of (labels, BINS) means."""
    drawn = np.zeros((REPLICATES, *counts.shape))
    few, many = (counts > 0) & (counts < MANY), counts >= MANY
    drawn[:, few] = rng.poisson(counts[few], size=(REPLICATES, int(few.sum())))
    noise = rng.standard_normal((REPLICATES, int(many.sum())))
    drawn[:, many] = np.maximum(0, counts[many] + noise * np.sqrt(counts[many]))
    return drawn


def cluster_band(
    bins: np.ndarray,
    clusters: np.ndarray,
    known: Responses,
    rng: np.random.Generator,
    design: np.ndarray,
) -> Ends:
    """The same of texts that come in clusters, by author or thread; a replicate resamples these.

    `bins`: (n, labels) uint8; `clusters`: (n,) whole numbers; `design` as in `band`. Replicates of
    few clusters lie too near to each other, so they are spread as Student's law has it.
    """
    from scipy.sparse import csr_array

    number = effective(clusters)
    names, places = np.unique(clusters, return_inverse=True)
    n, labels = bins.shape
    cells = bins + np.arange(labels, dtype=np.int32) * BINS  # (n, labels): whose count
    times = np.empty((len(names), REPLICATES), np.uint8)
    for first in range(0, len(names), ROWS_AT_ONCE):
        some = times[first : first + ROWS_AT_ONCE]
        some[:] = rng.poisson(1.0, size=some.shape)
    replicates = np.zeros((labels * BINS, REPLICATES), np.float32)
    for first in range(0, n, ROWS_AT_ONCE):
        columns = cells[first : first + ROWS_AT_ONCE]
        begins = np.arange(0, columns.size + 1, labels)
        ones = np.ones(columns.size, np.float32)
        rows = csr_array((ones, columns.ravel(), begins), shape=(len(columns), labels * BINS))
        replicates += rows.T @ times[places[first : first + ROWS_AT_ONCE]].astype(np.float32)
    replicates = replicates.T.reshape(REPLICATES, labels, BINS)
    counts = histogram(bins) / (design * wider(number) ** 2)[:, None]
    return _band(replicates, counts, known, few(number) * wider(number))


def _band(
    replicates: np.ndarray, counts: np.ndarray, known: Responses, spread: float = 1.0
) -> Ends:
    """Of (REPLICATES, labels, BINS) resamples; `counts`: (labels, BINS) as of independent texts.
    `spread`: how many times as far from each other replicates should lie.

    Where a label is so rare that no text may carry it, resamples carry none either: there the
    likelihood's interval is wider, and the band is as wide as the wider one.
    """
    found = _roots(_slopes(replicates, known.pulls))
    best = most_likely_shares(known.ratios, counts)
    least, most = likelihood_band(known.ratios, counts, best)
    # By the arcsine of the root, on which a share's variance hardly depends on the share.
    angles = np.arcsin(np.sqrt(inverted(found, known.curves)))
    centre = np.median(angles, axis=0)
    angles = np.clip(centre + spread * (angles - centre), 0, np.pi / 2)
    low, high = np.quantile(np.sin(angles) ** 2, ENDS, axis=0)
    return np.minimum(low, least), np.maximum(high, most)


def inverted(found: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """The shares at which (…, GRID) non-decreasing `curves` are (…) `found`, between GRID's too."""
    place = np.clip((curves <= found[..., None]).sum(axis=-1), 1, len(GRID) - 1)
    left = np.take_along_axis(curves, place[..., None] - 1, axis=-1)[..., 0]
    right = np.take_along_axis(curves, place[..., None], axis=-1)[..., 0]
    width = right - left
    part = np.divide(found - left, width, out=np.zeros_like(found), where=width > 0)
    return GRID[place - 1] + np.clip(part, 0, 1) * (GRID[place] - GRID[place - 1])
