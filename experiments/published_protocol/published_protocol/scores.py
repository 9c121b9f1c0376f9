"""F1 of one arm and seed on each view of test, at ½ and at thresholds from its own validation."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from shrunken_thresholds import ShrunkenParams, tune

from emotion_slm.common.ranking import f1_from_counts

HALF, TUNED = "at_half", "tuned"
# The honest model is scored on its test rows, and on those of them that the leaked arm has too:
# neutral thinned, nothing else.
TEST, SAME_ROWS = "test", "published_composition"


class Scores(NamedTuple):
    """`per_label`: (28,) F1; `macro` is their mean, `micro` that of the pooled counts."""

    per_label: np.ndarray
    macro: float
    micro: float


class Predicted(NamedTuple):
    """`probabilities` and `gold`: (n, 28)."""

    probabilities: np.ndarray
    gold: np.ndarray


def score(predicted: Predicted, thresholds: np.ndarray | float) -> Scores:
    """Scores at `thresholds`, one or (28,); a label that is never hit has F1 0."""
    chosen = predicted.probabilities >= thresholds
    hits = (chosen & (predicted.gold > 0)).sum(axis=0)
    counts = hits, chosen.sum(axis=0), predicted.gold.sum(axis=0, dtype=np.int64)
    per_label = f1_from_counts(*counts)
    micro = f1_from_counts(*(count.sum() for count in counts))
    return Scores(per_label, float(per_label.mean()), float(micro))


def score_views(
    validation: Predicted, views: Mapping[str, Predicted], params: ShrunkenParams, seed: int
) -> dict[str, dict[str, Scores]]:
    """View → HALF and TUNED → its scores; thresholds are tuned on `validation` alone."""
    tuned = tune(validation.probabilities, validation.gold, params, seed).per_label
    return {
        name: {HALF: score(view, 0.5), TUNED: score(view, tuned)} for name, view in views.items()
    }
