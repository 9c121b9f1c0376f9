"""Thresholds for scores that nothing has calibrated: the best F1 on gold, steadied for rare labels.

A label's own F1-optimal threshold is shrunk towards one global threshold by n / (n + λ), n being
its positives; λ is chosen by cross-validation. The experiments compare heads by these, on raw
sigmoids. The pipeline calibrates first, and then `thresholds.tune` is better
(docs/understand/evaluation.md).
Everything is counted from histograms over the grid: 10,853 rows, 28 labels and 99 thresholds take
well under a second.
"""

from typing import Annotated, NamedTuple

import numpy as np
from goemotions import LABELS
from pydantic import Field

from emotion_slm.calibration.thresholds import nearest_best, threshold_grid
from emotion_slm.common import folds as fold_assignment
from emotion_slm.common.params import Section
from emotion_slm.common.ranking import DECIMALS, f1_from_counts
from emotion_slm.common.seeds import child_seed


class ShrunkenParams(Section):
    """A label's own threshold is shrunk towards the global one by n / (n + shrinkage), n being its
    positives; the shrinkage is chosen from `shrinkages` by cross-validation over `folds` folds."""

    grid_step: float = Field(gt=0, le=0.1)
    shrinkages: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    folds: int = Field(ge=2)


class Shrunken(NamedTuple):
    """(28,) float64 thresholds in label order, the global one, and the shrinkage between them.

    `cross_validation` is the macro-F1 of each shrinkage tried.
    """

    per_label: np.ndarray
    global_threshold: float
    shrinkage: float
    cross_validation: dict[float, float]


def tune(
    probabilities: np.ndarray,
    gold: np.ndarray,
    params: ShrunkenParams,
    seed: int,
    groups: np.ndarray | None = None,
) -> Shrunken:
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
    return Shrunken(_shrunk(own, common, positives, shrinkage), common, shrinkage, tried)


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
    f1, positives = _f1(counts)
    common = nearest_best(f1.mean(axis=0)[None], grid, np.array([0.5]))
    return nearest_best(f1, grid, common), float(common[0]), positives


def _f1(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 (28, m) over the thresholds, and positives (28,), from counts."""
    at_least = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    predicted, hits = at_least[:, :, 1:]
    positives = at_least[1, :, 0]
    return f1_from_counts(hits, predicted, positives[:, None]), positives


def _shrunk(own: np.ndarray, common: float, positives: np.ndarray, shrinkage: float) -> np.ndarray:
    weight = np.where(positives > 0, positives / np.maximum(positives + shrinkage, 1), 0)
    return np.round(weight * own + (1 - weight) * common, DECIMALS)
