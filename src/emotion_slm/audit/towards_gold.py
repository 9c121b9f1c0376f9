"""Are numbers off by what arithmetic does, or by a push towards the right answer?

Rounding knows no labels: what two computations of the same logits differ by says nothing of a row's
gold beyond what the logits say already. A permutation test (Fisher 1935) deals the label sets out
anew and asks whether the true ones fit the differences better than chance allows.
"""

import numpy as np

PERMUTATIONS = 200
MOST_DEVIATIONS = 5.0
# Of a logit's spread within its label. A smaller push moves no F1 by a thousandth; the rounding of
# bfloat16 alone is larger, but has no direction.
LEAST_PUSH = 1e-3
SEED = 0


def pushed_towards(gold: np.ndarray, written: np.ndarray, anew: np.ndarray) -> bool:
    """Whether `written` logits, (n, labels), lie nearer to `gold` than those computed `anew`.

    What is linear in the logit itself is left out: kernels that round towards zero, or that scale,
    push no row towards its label. Labels that all or no rows carry say nothing.
    """
    carried = (gold.min(axis=0) == 0) & (gold.max(axis=0) == 1)
    gold, written, anew = (part[:, carried].astype(np.float64) for part in (gold, written, anew))
    spread = anew.std(axis=0)
    usable = spread > 0
    if len(gold) < 3 or not usable.any():
        return False
    gold, written, anew, spread = (part[..., usable] for part in (gold, written, anew, spread))
    centred = anew - anew.mean(axis=0)
    difference = (written - anew) / spread
    difference = difference - difference.mean(axis=0)
    slope = (difference * centred).sum(axis=0) / (centred**2).sum(axis=0)
    rest = difference - slope * centred
    random = np.random.default_rng(SEED)

    def push(labels: np.ndarray) -> float:
        """Mean over labels of how much higher `rest` is on the rows that carry it."""
        share = labels.mean(axis=0)
        covariance = (rest * (labels - share)).mean(axis=0)
        return float((covariance / (share * (1 - share))).mean())

    observed = push(gold)
    dealt = np.array([push(gold[random.permutation(len(gold))]) for _ in range(PERMUTATIONS)])
    spread_of_chance = dealt.std()
    return bool(
        observed > LEAST_PUSH and observed - dealt.mean() > MOST_DEVIATIONS * spread_of_chance
    )
