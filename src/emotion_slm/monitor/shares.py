"""The share of texts that carry a label, estimated from calibrated probabilities.

Counting labels and averaging probabilities both cling to the share that the classifier was trained
on. The corrected share follows a shift, if texts of one label still look as they did in training
(label shift; Saerens, Latinne and Decaestecker 2002). The mean is right where calibration holds
instead (Wu and Resnick 2024).
"""

from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.clusters import TWO_SIDED, effective, few, sums

AT_ONCE = 2_000_000  # probabilities: they bound memory
START = 0.02
STEPS = 60  # Newton's needs about eight, and halving the interval no more than these
HALVINGS = 30
TOLERANCE = 1e-9
DROP = 1.920729  # in log-likelihood, half the 95 % quantile of χ² with one degree
BOUND = 1e-6  # probabilities are held this far from 0 and 1
FEW = 5  # labelled texts with a label, or without; of fewer the normal law knows nothing


class Corrected(NamedTuple):
    """Corrected shares, the ends of their 95 % bands, and whether scores fit the mixture that they
    assume (`assumption.misfit`); each (columns,)."""

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    fit: np.ndarray


def likelihood_ratios(probabilities: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """How much likelier a score is with the label than without: p / (1 − p) over π / (1 − π).

    `probabilities`: (…, labels) calibrated under the `prior`, (labels,) shares.
    """
    p = np.clip(probabilities, BOUND, 1 - BOUND)
    prior = np.clip(prior, BOUND, 1 - BOUND)
    return p / (1 - p) * ((1 - prior) / prior)


def corrected_shares(probabilities: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """(labels,) shares to which EM of Saerens et al. converges, each label for itself.

    `probabilities`: (n, labels) calibrated under `prior`, (labels,). NaN where n is 0.
    """
    if not len(probabilities):
        return np.full(len(prior), np.nan)
    blocks = np.array_split(np.arange(len(prior)), -(-probabilities.size // AT_ONCE))
    found = [
        most_likely_shares(
            likelihood_ratios(probabilities[:, block].astype(np.float64), prior[block]).T,
            np.ones(1),
        )
        for block in blocks
    ]
    return np.concatenate(found)


def mean_errors(probabilities: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """(labels,) standard errors of the means of (n, labels) probabilities.

    `clusters`: (n,), whose texts depend on each other; None where texts are independent.
    """
    n = max(1, len(probabilities))
    off = probabilities - probabilities.mean(axis=0, dtype=np.float64)
    if clusters is not None:
        off = sums(off, clusters)
    return few(effective(clusters)) * np.sqrt((off**2).sum(axis=0)) / n


def most_likely_shares(ratios: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(…,) shares q that maximise Σ counts · log(q · ratio + 1 − q) over the last axis.

    This is where EM ends. The likelihood is concave in q, so that its slope, which falls, has one
    root, found by Newton's steps within a shrinking interval. `ratios` and `counts` broadcast to
    (…, scores). 0 or 1 where the likelihood rises towards that end; NaN without counts.
    """
    excess = np.asarray(ratios - 1)
    counts = np.asarray(counts)

    def total(values: np.ndarray) -> np.ndarray:
        return np.einsum("...b,...b->...", counts, values)

    # At an end the root is approached by halving alone, so ends are looked at first.
    at_zero = total(excess) <= 0
    at_one = total(excess / (1 + excess)) >= 0
    low, high = np.where(at_one, 1.0, 0.0), np.where(at_zero, 0.0, 1.0)
    share = np.where(at_zero | at_one, low, START)
    for _ in range(STEPS):
        pull = excess / (1 + share[..., None] * excess)
        slope, bend = total(pull), total(pull * pull)
        low = np.where((slope > 0) & ~at_zero, share, low)
        high = np.where((slope < 0) & ~at_one, share, high)
        newton = share + np.divide(slope, bend, out=np.zeros_like(bend), where=bend > 0)
        moved = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        still = np.all(np.abs(moved - share) < TOLERANCE)
        share = moved
        if still:
            break
    return np.where(total(np.ones_like(excess)) > 0, share, np.nan)


def likelihood_band(
    ratios: np.ndarray, counts: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % profile-likelihood interval around (labels,) most likely shares.

    `ratios`, `counts`: (labels, scores). Where texts of a label are so few that none may be among
    these, no resample of them has one either; the likelihood still knows how many could have been.
    """
    excess = ratios - 1

    def fit(q: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(counts > 0, counts * np.log1p(q[:, None] * excess), 0.0)
        return parts.sum(axis=1)

    limit = fit(share) - DROP
    ends = []
    for outer in (np.zeros_like(share), np.ones_like(share)):
        inner, reached = share.copy(), fit(outer) >= limit
        far = outer.copy()
        for _ in range(HALVINGS):
            middle = (inner + far) / 2
            inside = fit(middle) >= limit
            inner, far = np.where(inside, middle, inner), np.where(inside, far, middle)
        ends.append(np.where(reached, outer, inner))
    return ends[0], ends[1]


class Powered(NamedTuple):
    """A prediction-powered share and the ends of its 95 % interval, each (labels,)."""

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def powered_shares(all_texts: np.ndarray, labelled: np.ndarray, gold: np.ndarray) -> Powered:
    """Shares that hold whatever the classifier is worth (Angelopoulos et al. 2023).

    `all_texts`: (N, labels) probabilities; `labelled`, `gold`: (n, labels) probabilities and human
    labels of a random sample of the same texts, n ≥ 2. The classifier counts for as much as it
    helps (PPI++, Angelopoulos, Duchi and Zrnic 2023); where it does not, the sample decides alone.
    Where fewer than FEW of the sample have a label, or lack it, the interval holds that of Clopper
    and Pearson (1934): none seen is not none there.
    """
    from scipy.stats import beta

    N, n = len(all_texts), len(labelled)
    centred = labelled - labelled.mean(axis=0)
    covariance = (centred * (gold - gold.mean(axis=0))).sum(axis=0) / (n - 1)
    variance = all_texts.var(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.clip(covariance / ((1 + n / N) * variance), 0, 1)
    weight = np.where(variance > 0, weight, 0.0)
    share = weight * all_texts.mean(axis=0) + (gold - weight * labelled).mean(axis=0)
    spread = (gold - weight * labelled).var(axis=0, ddof=1)
    error = np.sqrt(weight**2 * variance / N + spread / n)
    low, high = share - TWO_SIDED * error, share + TWO_SIDED * error
    seen = gold.sum(axis=0)
    few = np.minimum(seen, n - seen) < FEW
    least = np.nan_to_num(beta.ppf(0.025, seen, n - seen + 1), nan=0.0)
    most = np.nan_to_num(beta.ppf(0.975, seen + 1, n - seen), nan=1.0)
    low = np.where(few, np.minimum(low, least), low)
    high = np.where(few, np.maximum(high, most), high)
    return Powered(*(np.clip(value, 0, 1) for value in (share, low, high)))
