"""How likely a gap between a period and its reference is where nothing changed.

Periods differ by the chance of their texts, which is known, and by how much shares swing from one
to the next, as weekdays do, which the reference's few periods tell badly. So a gap is tested twice,
and the larger p-value holds: by the swing of the label alone, and by that of the label drawn
towards those of all labels (empirical Bayes; Smyth 2004), with Student's law for what is left open.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

NORMAL = 1e-3  # a smaller skewness is none
NEWTON = 50  # steps at most; eight are usual


class Group(NamedTuple):
    """One group's series over its m periods with texts, in order of time.

    `periods`: their first moments; `texts`, `clusters`: (m,) how many, infinitely many clusters
    where texts are independent; `means`, `errors`, `thirds`: (m, labels) mean probabilities, their
    standard errors, and the third central moments of single probabilities.
    """

    periods: list[datetime]
    texts: np.ndarray
    clusters: np.ndarray
    means: np.ndarray
    errors: np.ndarray
    thirds: np.ndarray


class Gap(NamedTuple):
    """A label's mean in a period less that of its reference.

    `chance`: its variance by the texts alone; `third`: its third central moment; `ratio`: the
    variance of the reference's periods over that by chance, which is 1 on average where shares do
    not swing; `freedom`: in how many degrees that is known; `unit`: the variance that swings add to
    the gap for each 1 in `ratio` beyond 1; `clusters`: degrees in which `chance` is known.
    """

    size: float
    chance: float
    third: float
    ratio: float
    freedom: int
    unit: float
    clusters: float


def gap_of(group: Group, period: int, reference: Sequence[int], label: int) -> Gap:
    """The gap of a label between a period and the periods of its reference, two at least.

    Texts of period and reference together say how their mean varies and, of rare labels, how skew
    it is: few texts make it.
    """
    n = group.texts[reference].astype(np.float64)
    means, errors = group.means[reference, label], group.errors[reference, label]
    total, own = n.sum(), float(group.texts[period])
    both = [*reference, period]
    shares = group.texts[both] / group.texts[both].sum()
    per_text = (shares * group.texts[both] * group.errors[both, label] ** 2).sum()
    third = (shares * group.thirds[both, label]).sum()
    size = group.means[period, label] - (n * means).sum() / total
    freedom = len(reference) - 1
    variances = np.maximum(errors**2, per_text / n)
    ratio, unit = 0.0, 0.0
    if (variances > 0).all():
        weights = 1 / variances
        centre = (weights * means).sum() / weights.sum()
        ratio = (weights * (means - centre) ** 2).sum() / freedom
        # The variance between periods for which Q is expected (DerSimonian and Laird 1986).
        unit = freedom / (weights.sum() - (weights**2).sum() / weights.sum())
        unit *= 1 + (n**2).sum() / total**2
    return Gap(
        float(size),
        float(per_text * (1 / own + 1 / total)),
        float(third * (1 / own**2 - 1 / total**2)),
        float(ratio),
        freedom,
        float(unit),
        float((group.clusters[both] - 1).sum()),
    )


def p_values(gaps: Sequence[Gap]) -> list[float]:
    """Of each label's gap in one period: the probability of one so large if nothing changed."""
    towards, freedom = shrunken(
        np.array([gap.ratio for gap in gaps]), np.array([gap.freedom for gap in gaps])
    )
    return [
        max(
            tails(gap, gap.ratio, gap.clusters),
            tails(gap, ratio, min(gap.clusters, degrees)),
        )
        for gap, ratio, degrees in zip(gaps, towards, freedom, strict=True)
    ]


def shrunken(ratios: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(labels,) ratios of variances drawn towards each other, and degrees of freedom of these.

    Smyth (2004): the true ratios are taken to be an inverse χ² variate over labels, whose scale and
    degrees come from mean and variance of the logarithms. A ratio of 0 says nothing.
    """
    from scipy.special import digamma, polygamma

    known = ratios > 0
    if not known.any():
        return ratios, np.full(len(ratios), np.inf)
    half = freedom[known] / 2
    logs = np.log(ratios[known]) - digamma(half) + np.log(half)
    excess = -1.0
    if len(logs) > 1:
        excess = logs.var(ddof=1) - polygamma(1, half).mean()
    total = freedom[known].sum()
    if excess <= 0:  # all swing alike
        pooled = (freedom[known] * ratios[known]).sum() / total
        return np.where(known, pooled, 0.0), np.full(len(ratios), float(total))
    prior = 2 * inverse_trigamma(excess)
    scale = np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))
    drawn = (prior * scale + freedom * ratios) / (prior + freedom)
    return np.where(known, drawn, 0.0), np.minimum(prior + freedom, total)


def inverse_trigamma(value: float) -> float:
    """The x > 0 whose trigamma is `value` > 0, by Newton's steps (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / value
    for _ in range(NEWTON):
        trigamma = polygamma(1, x)
        step = trigamma * (1 - trigamma / value) / polygamma(2, x)
        x += step
        if abs(step) < 1e-9 * x:
            break
    return float(x)


def tails(gap: Gap, ratio: float, freedom: float) -> float:
    """The probability of a gap so large on its side, twice, if periods swing by `ratio`; Student's
    law with so many degrees of freedom, skewed as texts are."""
    from scipy.special import ndtri, stdtr

    variance = gap.chance + gap.unit * max(0.0, ratio - 1)
    if variance <= 0:
        return 1.0
    z = gap.size / np.sqrt(variance)
    if np.isfinite(freedom):
        z = float(np.sign(z) * -ndtri(stdtr(freedom, -abs(z))))
    return skewed_tails(z, gap.third / variance**1.5)


def skewed_tails(z: float, skew: float) -> float:
    """Twice the smaller tail of a standardised Pearson type III variate with this skewness at z."""
    from scipy.special import gammainc, gammaincc, ndtr

    if abs(skew) < NORMAL:
        return float(2 * ndtr(-abs(z)))
    shape = 4 / skew**2
    at = max(0.0, shape + np.sign(skew) * z * np.sqrt(shape))
    return float(min(1.0, 2 * min(gammainc(shape, at), gammaincc(shape, at))))
