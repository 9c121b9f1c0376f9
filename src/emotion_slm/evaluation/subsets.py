"""Test rows chosen as others choose theirs, so that results can be set beside each other.

The natural test set is the result; a view is the same predictions at the same thresholds on some of
its rows.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from emotion_slm.corpus.labels import LABEL_INDEX, NEUTRAL
from emotion_slm.corpus.split import normalize
from emotion_slm.evaluation import metrics

# The published recipe kept 2,962 of the corpus's 17,772 rows that carry neutral.
PUBLISHED_NEUTRAL_SHARE = 2962 / 17772


def masks(
    gold: np.ndarray, texts: Sequence[str], train_texts: Sequence[str], seed: int
) -> dict[str, np.ndarray]:
    """The rows of each view, (n,) bool; gold: (n, 28).

    `published_composition`: a sixth of the rows that carry neutral, drawn by `seed`, and every
    other row. `without_texts_seen_in_train`: rows whose normalised text is not a train row's.
    """
    return {
        "published_composition": published_composition(gold, seed),
        "without_texts_seen_in_train": unseen(texts, train_texts),
    }


def published_composition(gold: np.ndarray, seed: int) -> np.ndarray:
    """(n,) bool: the rows left when those that carry neutral are thinned as published."""
    neutral = np.flatnonzero(gold[:, LABEL_INDEX[NEUTRAL]])
    kept = round(len(neutral) * PUBLISHED_NEUTRAL_SHARE)
    keep = np.ones(len(gold), dtype=bool)
    keep[neutral] = False
    keep[np.random.default_rng(seed).choice(neutral, size=kept, replace=False)] = True
    return keep


def unseen(texts: Sequence[str], train_texts: Sequence[str]) -> np.ndarray:
    """(n,) bool: the rows whose normalised text is not among the normalised `train_texts`."""
    seen = {normalize(text) for text in train_texts}
    return np.array([normalize(text) not in seen for text in texts], dtype=bool)


def measure(
    views: Mapping[str, np.ndarray],
    gold: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    scores: np.ndarray,
) -> dict[str, dict]:
    """`rows` and the headline metrics of each view; arrays as `metrics.evaluate` takes them."""
    return {
        name: {
            "rows": int(rows.sum()),
            **metrics.headline(gold[rows], probabilities[rows], thresholds, scores[rows]),
        }
        for name, rows in views.items()
    }
