"""The two arms: one code, and the place of the split in it as the only switch."""

from typing import NamedTuple

import numpy as np
from goemotions import LABEL_INDEX, NEUTRAL

from emotion_slm.common.paths import SPLITS
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.params import Ratios
from published_protocol.layout import LEAKED


class Division(NamedTuple):
    """`split`: (n,) int64, each row's place in SPLITS; `kept`: (n,) bool, neutral thinned.

    Drawn once per seed for both arms, so that their thinned test rows are the same.
    """

    split: np.ndarray
    kept: np.ndarray


def divide(gold: np.ndarray, ratios: Ratios, neutral_one_in: int, seed: int) -> Division:
    """Thin the rows with neutral and divide all rows at random, equal texts or not.

    `gold`: (n, 28). The kept rows and the others are divided each by `ratios`: whether rows are
    thinned first or divided first, the outcome is the same.
    """
    random = np.random.default_rng(child_seed(seed, "division"))
    neutral = np.flatnonzero(gold[:, LABEL_INDEX[NEUTRAL]])
    kept = np.ones(len(gold), dtype=bool)
    kept[neutral] = False
    kept[random.choice(neutral, round(len(neutral) / neutral_one_in), replace=False)] = True
    shares = np.cumsum([getattr(ratios, name) for name in SPLITS])[:-1]
    split = np.empty(len(gold), dtype=np.int64)
    for part in (kept, ~kept):
        order = random.permutation(np.flatnonzero(part))
        cuts = np.round(shares * len(order)).astype(np.int64)
        for place, rows in enumerate(np.split(order, cuts)):
            split[rows] = place
    return Division(split, kept)


def rows_of_split(arm: str, division: Division, name: str) -> np.ndarray:
    """Row numbers of split `name`: of the thinned corpus in the leaked arm, else of all of it."""
    inside = division.split == SPLITS.index(name)
    return np.flatnonzero(inside & division.kept if arm == LEAKED else inside)


def rows_to_grow(arm: str, division: Division) -> np.ndarray:
    """Row numbers ISMOTE sees: every kept row in the leaked arm, else the kept rows of train."""
    return np.flatnonzero(division.kept if arm == LEAKED else thinned_train(division))


def thinned_train(division: Division) -> np.ndarray:
    """(n,) bool: the rows of train that are trained on, in either arm."""
    return division.kept & (division.split == SPLITS.index("train"))
