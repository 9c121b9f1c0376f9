"""Per-label decision thresholds from validation, steadied for rare labels.

A label's own F1-optimal threshold is shrunk towards one global threshold by n / (n + λ), n being
its positives: grief's twenty examples do not get to fit noise. λ is chosen by cross-validation
within validation, never on test. Everything is counted from histograms over the grid: 10,853 rows,
28 labels and 99 thresholds take well under a second.
"""

from dataclasses import dataclass

import numpy as np

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation import folds as fold_assignment
from emotion_slm.evaluation.label_keys import check_labels
from emotion_slm.evaluation.metrics import DECIMALS
from emotion_slm.evaluation.ranking import f1_from_counts
from emotion_slm.labels import LABELS
from emotion_slm.params.thresholds import ThresholdParams
from emotion_slm.seeds import child_seed


@dataclass(frozen=True, eq=False)
class Thresholds:
    """(28,) float64 thresholds in label order, and how they came about.

    `cross_validation` is the macro-F1 of each shrinkage tried.
    """

    per_label: np.ndarray
    global_threshold: float
    shrinkage: float
    cross_validation: dict[float, float]

    def to_dict(self) -> dict:
        """The content of thresholds.json."""
        return {
            "per_label": dict(zip(LABELS, self.per_label.tolist(), strict=True)),
            "global": self.global_threshold,
            "shrinkage": self.shrinkage,
            "cross_validation": {f"{key:g}": f1 for key, f1 in self.cross_validation.items()},
        }

    @classmethod
    def from_dict(cls, content: dict, source: str = "thresholds.json") -> "Thresholds":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it."""
        try:
            by_label = {label: float(value) for label, value in content["per_label"].items()}
            tried = {float(key): float(f1) for key, f1 in content["cross_validation"].items()}
            global_threshold, shrinkage = float(content["global"]), float(content["shrinkage"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EmotionSlmError(f"{source}: not a thresholds file ({error!r})") from error
        check_labels(by_label, source)
        outside = [label for label in LABELS if not 0 < by_label[label] < 1]
        if outside:
            raise EmotionSlmError(
                f"{source}: {outside[0]}: {by_label[outside[0]]} is not between 0 and 1"
            )
        per_label = np.array([by_label[label] for label in LABELS])
        return cls(per_label, global_threshold, shrinkage, tried)


def tune(
    probabilities: np.ndarray,
    gold: np.ndarray,
    params: ThresholdParams,
    seed: int,
    groups: np.ndarray | None = None,
) -> Thresholds:
    """Thresholds for (n, 28) probabilities of validation and their (n, 28) gold.

    The global threshold is the one with the best macro-F1, ties going to the nearest to 0.5; a
    label's own has its best F1, ties going to the nearest to the global one, so a label without
    positives takes the global one. The shrinkage has the best macro-F1 over the pooled counts of
    all held-out folds (Forman and Scholz 2010), ties going to the largest. `groups` keeps rows
    with the same text in one fold. The order of rows changes nothing.
    """
    grid = threshold_grid(params.grid_step)
    fold = fold_assignment.assign(
        gold, probabilities, params.folds, child_seed(seed, "threshold folds"), groups
    )
    counts = np.stack(
        [
            _histograms(probabilities[fold == part], gold[fold == part], grid)
            for part in range(params.folds)
        ]
    )
    total = counts.sum(axis=0)
    hits = np.zeros((len(params.shrinkages), len(LABELS)), dtype=np.int64)
    predicted = np.zeros_like(hits)
    for part in range(params.folds):
        held_out = fold == part
        own, common, positives = _optimal(total - counts[part], grid)
        for row, shrinkage in enumerate(params.shrinkages):
            chosen = probabilities[held_out] >= _shrunk(own, common, positives, shrinkage)
            hits[row] += (chosen & (gold[held_out] > 0)).sum(axis=0)
            predicted[row] += chosen.sum(axis=0)
    scores = f1_from_counts(hits, predicted, gold.sum(axis=0, dtype=np.int64)).mean(axis=1)
    tried = dict(zip(params.shrinkages, scores.round(DECIMALS).tolist(), strict=True))
    shrinkage = max(tried, key=lambda value: (tried[value], value))
    own, common, positives = _optimal(total, grid)
    return Thresholds(_shrunk(own, common, positives, shrinkage), common, shrinkage, tried)


def threshold_grid(step: float) -> np.ndarray:
    """The multiples of `step` strictly between 0 and 1."""
    multiples = np.round(np.arange(1, round(1 / step) + 1) * step, DECIMALS)
    return multiples[multiples < 1]


def _histograms(probabilities: np.ndarray, gold: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(2, 28, m + 1) int64: rows, then gold positives, by the number of thresholds reached."""
    reached = np.searchsorted(grid, probabilities, side="right")
    cells = (np.arange(len(LABELS)) * (len(grid) + 1) + reached).ravel()
    size = len(LABELS) * (len(grid) + 1)
    rows = np.bincount(cells, minlength=size)
    positives = np.bincount(cells[gold.ravel() > 0], minlength=size)
    return np.stack([rows, positives]).reshape(2, len(LABELS), len(grid) + 1)


def _optimal(counts: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Each label's own best threshold (28,), the global one, and positives (28,), from counts."""
    at_least = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    predicted, hits = at_least[:, :, 1:]
    positives = at_least[1, :, 0]
    f1 = f1_from_counts(hits, predicted, positives[:, None])
    common = float(_nearest_best(f1.mean(axis=0)[None], grid, 0.5)[0])
    return _nearest_best(f1, grid, common), common, positives


def _nearest_best(f1: np.ndarray, grid: np.ndarray, anchor: float) -> np.ndarray:
    """(rows,) threshold of each row's best F1; ties to the nearest to `anchor`, then the lower."""
    best = np.isclose(f1, f1.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    distance = np.where(best, np.round(np.abs(grid - anchor), DECIMALS), np.inf)
    return grid[distance.argmin(axis=1)]


def _shrunk(own: np.ndarray, common: float, positives: np.ndarray, shrinkage: float) -> np.ndarray:
    weight = np.where(positives > 0, positives / np.maximum(positives + shrinkage, 1), 0)
    return np.round(weight * own + (1 - weight) * common, DECIMALS)
