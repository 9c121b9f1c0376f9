"""Does a model rank, or fit, test better than chance allows one that does so with validation?

Honest validation and test rows are exchangeable: which of the two a row is in tells nothing of how
well it is scored. A permutation test (Fisher 1935; Ojala and Garriga 2010) deals the rows out anew,
equal texts together, and gives the spread of the difference that chance alone makes: in macro
average precision, which an encoder that has read test raises; and in likelihood beyond that of an
honest regression on the same vectors, which a classifier raises that was fitted on test's labels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.calibration.maps import Platt
from emotion_slm.evaluation.evaluate import Scored

PERMUTATIONS = 400
RIDGE = 1e-5  # penalty, as a share of the vectors' total variance


class RankingGap(NamedTuple):
    """Macro average precision over labels with positives in both splits, and how odd that is.

    `deviations`: the labels' differences, test less validation, each in units of its own spread,
    averaged; in standard deviations of the same number among permuted rows. Rare labels, whose
    average precision is noisy, so do not drown the others. 0 where nothing varies.
    """

    validation: float
    test: float
    deviations: float


def ranking_gap(validation: Scored, test: Scored, seed: int) -> RankingGap:
    """Compare test with validation; positive deviations mean that test is ranked better.

    Tied scores are put in random order, the same for both splits.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(validation.gold) + len(test.gold))
    logits, gold, groups = (part[rows] for part in _joined(validation, test))
    in_test = rows >= len(validation.gold)
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    ranked = [_rank(logits[:, label], gold[:, label]) for label in range(gold.shape[1])]
    observed = _average_precisions(ranked, in_test)
    of_both = ~np.isnan(observed).any(axis=1)
    if not of_both.any():
        return RankingGap(0.0, 0.0, 0.0)
    dealt = (random.permutation(in_test[first])[group] for _ in range(PERMUTATIONS))
    permuted = np.array([_average_precisions(ranked, sides) for sides in dealt])
    # (1 + PERMUTATIONS, labels); a label without positives on one side says nothing.
    differences = np.nan_to_num(np.diff(np.concatenate([observed[None], permuted]))[:, of_both, 0])
    spread = differences[1:].std(axis=0)
    means = (differences / np.where(spread > 0, spread, np.inf)).mean(axis=1)
    deviation = means[1:].std()
    return RankingGap(
        *observed[of_both].mean(axis=0).tolist(),
        float((means[0] - means[1:].mean()) / deviation) if deviation > 0 else 0.0,
    )


def _joined(validation: Scored, test: Scored) -> list[np.ndarray]:
    """Logits, gold and groups of both, validation first.

    A number of a group means something within its split alone: `rows_together` counts conversations
    anew in each.
    """
    groups = validation.groups, test.groups + validation.groups.max(initial=-1) + 1
    return [
        np.concatenate([validation.logits, test.logits]),
        np.concatenate([validation.gold, test.gold]),
        np.concatenate(groups),
    ]


class LikelihoodGap(NamedTuple):
    """How many nats a row's labels are likelier than an honest regression finds them, and how odd
    the difference of both splits is.

    `deviations`: test less validation, in standard deviations of the same number among permuted
    rows; positive where test is fitted better. 0 where nothing varies.
    """

    validation: float
    test: float
    deviations: float


def likelihood_gap(
    given: tuple[Scored, Scored], honest: tuple[np.ndarray, np.ndarray], seed: int
) -> LikelihoodGap:
    """Compare validation and test, `given` in this order, by the likelihood of their labels.

    `honest`: their logits by a regression that saw neither. Row by row it stands for how hard the
    row is, which leaves little but what a classifier learnt from the row itself. Logits become
    probabilities by Platt's method, fitted on both splits together: so it favours neither.
    """
    logits, gold, groups = _joined(*given)
    gain = _surprise(np.concatenate(honest), gold) - _surprise(logits, gold)
    in_test = np.arange(len(gold)) >= len(given[0].gold)
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    rows, sums = np.bincount(group), np.bincount(group, gain)  # (groups,)

    def difference(of_test: np.ndarray) -> float:
        """Mean of test less that of validation; (groups,) bool: which are test's."""
        return float(
            sums[of_test].sum() / rows[of_test].sum() - sums[~of_test].sum() / rows[~of_test].sum()
        )

    random = np.random.default_rng(seed)
    observed = difference(in_test[first])
    dealt = np.array([difference(random.permutation(in_test[first])) for _ in range(PERMUTATIONS)])
    spread = dealt.std()
    return LikelihoodGap(
        float(gain[~in_test].mean()),
        float(gain[in_test].mean()),
        float((observed - dealt.mean()) / spread) if spread > 0 else 0.0,
    )


def ridge_logits(
    vectors: np.ndarray, gold: np.ndarray, others: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Logits of `others`, each (n, d), by a ridge regression of `gold` on `vectors`, (m, d)."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    inputs = vectors - mean  # (m, d) float64
    moments = inputs.T @ inputs
    moments[np.diag_indices_from(moments)] += RIDGE * max(float(np.trace(moments)), 1e-12)
    targets = 2.0 * gold - 1
    weights = np.linalg.solve(moments, inputs.T @ (targets - targets.mean(axis=0)))
    return [(part - mean) @ weights + targets.mean(axis=0) for part in others]


def _surprise(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """(n,) −log p of each row's labels."""
    platt = Platt.fit(logits, gold)
    signed = np.where(gold > 0, 1, -1) * (logits * platt.slope + platt.intercept)
    return np.logaddexp(0, -signed).sum(axis=1)


class _Ranked(NamedTuple):
    """One label: (n,) rows by falling score, and (k,) places of its positives among them."""

    order: np.ndarray
    places: np.ndarray


def _rank(scores: np.ndarray, gold: np.ndarray) -> _Ranked:
    order = np.argsort(-scores, kind="stable")
    return _Ranked(order, np.flatnonzero(gold[order]))


def _average_precisions(ranked: list[_Ranked], in_test: np.ndarray) -> np.ndarray:
    """(labels, 2): of validation and of test; NaN for a label that lacks positives in either."""
    result = np.full((len(ranked), 2), np.nan)
    for label, (order, places) in enumerate(ranked):
        positive = in_test[order[places]]
        if not 0 < positive.sum() < len(places):
            continue
        rows_of_test = in_test[order].cumsum()[places]  # ranked no lower than each positive
        hits_of_test = positive.cumsum()
        rows, hits = places + 1, np.arange(1, len(places) + 1)
        result[label] = (
            ((hits - hits_of_test) / np.maximum(rows - rows_of_test, 1))[~positive].mean(),
            (hits_of_test / np.maximum(rows_of_test, 1))[positive].mean(),
        )
    return result
