"""Per-label decision thresholds: between the best F1 on validation and the best F1 expected.

The threshold with the best F1 on validation rests on a label's positives, and fits the noise in
grief's twenty. Where probabilities are calibrated, F1 can be expected from them alone:
2 Σ p / (predicted + Σ p), the first sum over the rows predicted and the second over all. Its
optimum rests on every row (Lipton, Elkan and Naryanaswamy 2014), and on the calibration. A label
moves from the second towards the first as it has more positives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotion_slm.calibration.maps import check_labels, number
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.ranking import DECIMALS, f1_from_counts


@dataclass(frozen=True, eq=False)
class Thresholds:
    """(labels,) float64 thresholds in label order, and the one that suits all labels best."""

    per_label: np.ndarray
    global_threshold: float

    def to_dict(self, labels: Sequence[str]) -> dict:
        """The content of thresholds.json; `labels` name the columns, here and when it is read."""
        return {
            "per_label": dict(zip(labels, self.per_label.tolist(), strict=True)),
            "global": self.global_threshold,
        }

    @classmethod
    def from_dict(
        cls, content: dict, labels: Sequence[str], source: str = "thresholds.json"
    ) -> "Thresholds":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it."""
        per_label = content.get("per_label")
        if not isinstance(per_label, dict) or "global" not in content:
            raise EmotionSlmError(
                f"{source}: not a thresholds file (expected numbers by label under 'per_label', "
                "and a number under 'global')"
            )
        check_labels(per_label, labels, f"{source}: per_label")
        by_label = {label: number(per_label[label], f"{source}: {label}") for label in labels}
        global_threshold = number(content["global"], f"{source}: global")
        outside = [label for label in labels if not 0 < by_label[label] < 1]
        if outside:
            raise EmotionSlmError(
                f"{source}: {outside[0]}: {by_label[outside[0]]} is not between 0 and 1"
            )
        if not 0 < global_threshold < 1:
            raise EmotionSlmError(f"{source}: global: {global_threshold} is not between 0 and 1")
        return cls(np.array([by_label[label] for label in labels]), global_threshold)


def tune(
    probabilities: np.ndarray, gold: np.ndarray, grid_step: float, shrinkage: float
) -> Thresholds:
    """Thresholds for (n, labels) calibrated probabilities and gold of validation.

    A label's threshold is w · own + (1 − w) · expected, with w = n / (n + shrinkage) for n positive
    rows. *Expected* has the best expected F1, ties going to the nearest to the global threshold,
    which has the best expected macro-F1; *own* has the best F1 on `gold`, ties going to the nearest
    to *expected*. A label without positives takes the global one: nothing has calibrated it. The
    order of rows changes nothing.
    """
    grid = threshold_grid(grid_step)
    of_label = expected_f1_curves(probabilities, grid)
    common = nearest_best(of_label.mean(axis=0)[None], grid, np.array([0.5]))
    expected = nearest_best(of_label, grid, common)
    own = nearest_best(f1_curves(probabilities, gold, grid), grid, expected)
    positives = gold.sum(axis=0, dtype=np.int64)
    weight = positives / (positives + shrinkage)
    mixed = np.where(positives, weight * own + (1 - weight) * expected, common)
    return Thresholds(np.round(mixed, DECIMALS), float(common[0]))


def threshold_grid(step: float) -> np.ndarray:
    """The multiples of `step` strictly between 0 and 1."""
    multiples = np.round(np.arange(1, round(1 / step) + 1) * step, DECIMALS)
    return multiples[multiples < 1]


def expected_f1_curves(probabilities: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(labels, m) F1 that (n, labels) probabilities expect at each of m thresholds, `grid`."""
    curves = np.empty((probabilities.shape[1], len(grid)))
    for column, scores in enumerate(np.sort(probabilities, axis=0).T):
        hits_from = np.append(np.cumsum(scores[::-1])[::-1], 0)  # (n + 1,) sum from a row up
        reached = np.searchsorted(scores, grid, side="left")  # the first row at each threshold
        curves[column] = 2 * hits_from[reached] / (len(scores) - reached + hits_from[0])
    return curves


def f1_curves(probabilities: np.ndarray, gold: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(labels, m) F1 of (n, labels) probabilities against gold at each of m thresholds, `grid`."""
    curves = np.empty((gold.shape[1], len(grid)))
    support = gold.sum(axis=0, dtype=np.int64)
    for place, threshold in enumerate(grid):
        predicted = probabilities >= threshold
        hits = (predicted & (gold > 0)).sum(axis=0)
        curves[:, place] = f1_from_counts(hits, predicted.sum(axis=0), support)
    return curves


def nearest_best(f1: np.ndarray, grid: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """(rows,) threshold of the best F1 in each row; ties to the nearest to its `anchor`, then the
    lower. `anchor` is (rows,), or one for all."""
    best = np.isclose(f1, f1.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    distance = np.where(best, np.round(np.abs(grid - anchor[:, None]), DECIMALS), np.inf)
    return grid[distance.argmin(axis=1)]
