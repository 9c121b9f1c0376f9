"""Every share of every cell: counted, mean and corrected, with its band."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.bands import LabelShares
from emotion_slm.monitor.classes import ClassShares
from emotion_slm.monitor.clusters import TWO_SIDED, effective, wider
from emotion_slm.monitor.inputs import Cell, Scored
from emotion_slm.monitor.shares import Corrected, mean_errors
from emotion_slm.monitor.swings import Group
from emotion_slm.package.scores import ClassScores, ScoreHistograms
from emotion_slm.scoring.label_groups import LabelGroups

CELL_FIELDS = ("counted", "mean", "corrected", "low", "high", "error", "third", "fit")


class Estimates(NamedTuple):
    """Of C cells in order of time and group, and each column; all but the first three (C, columns).

    `texts`, `clusters`: (C,) how many; `low`, `high`: ends of the 95 % band of `corrected`, or of
    `mean` where there is none; `error`: of `mean`; `third`: third central moment of a probability;
    `fit`: `assumption.misfit`. `corrected` is NaN where nothing is known of validation.
    """

    cells: list[Cell]
    texts: np.ndarray
    clusters: np.ndarray
    counted: np.ndarray
    mean: np.ndarray
    corrected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    third: np.ndarray
    fit: np.ndarray

    def group(self, name: str) -> tuple[list[int], Group]:
        """Places of a group's cells in order of time, and its series."""
        places = [place for place, cell in enumerate(self.cells) if cell.group == name]
        periods = [self.cells[place].period for place in places]
        series = Group(
            periods,
            self.texts[places],
            self.clusters[places],
            self.mean[places],
            self.error[places],
            self.third[places],
        )
        return places, series


class Classifier(NamedTuple):
    """What is watched, and what is known of the classifier for it.

    `columns`: labels or groups of them, by their places among the probabilities that are read;
    `thresholds`: of these, None where a text gets exactly one label; `known`: how validation was
    scored, for each column, or for all classes; None where that is not known.
    """

    columns: LabelGroups
    thresholds: np.ndarray | None
    known: ScoreHistograms | ClassScores | None

    def given(self, probabilities: np.ndarray) -> np.ndarray:
        """(n, columns) bool, of the probabilities that are read."""
        return self.columns.reached(probabilities, self.thresholds, None)


class Estimator:
    """Estimates shares of the rows in `scored`, over cells or any of their rows."""

    def __init__(self, scored: Scored, classifier: Classifier, rng: np.random.Generator):
        self.scored = scored
        self.classifier = classifier
        self.rng = rng
        known = classifier.known
        self.corrector: LabelShares | ClassShares | None = None
        if isinstance(known, ClassScores):
            self.corrector = ClassShares(known, classifier.columns)
        elif known is not None:
            self.corrector = LabelShares(known, rng)
        # Rows by cell, in the order of time and group.
        self.places = sorted(range(len(scored.cells)), key=lambda place: scored.cells[place])
        order = np.argsort(scored.place, kind="stable")
        ends = np.cumsum(np.bincount(scored.place, minlength=len(self.places)))
        self.rows = [order[ends[place - 1] if place else 0 : ends[place]] for place in self.places]

    def estimates(self) -> Estimates:
        """Of every cell."""
        found, clusters = [], []
        for rows in self.rows:
            parts, number = self._cell(rows)
            found.append(parts)
            clusters.append(number)
        columns = {name: np.array([parts[name] for parts in found]) for name in CELL_FIELDS}
        cells = [self.scored.cells[place] for place in self.places]
        texts = np.array([len(rows) for rows in self.rows])
        return Estimates(cells, texts, np.array(clusters), **columns)

    def pooled(self, cells: Sequence[int], column: int) -> tuple[Corrected, float]:
        """A column's share over several cells together, each an array of one; and its mean."""
        rows = np.concatenate([self.rows[cell] for cell in cells])
        probabilities, clusters = self._of(rows)
        watched = self.classifier.columns.probabilities(probabilities)[:, [column]]
        mean = watched.mean(axis=0, dtype=np.float64)
        if self.corrector is None:
            return self._without(mean, _errors(watched, clusters), clusters), float(mean[0])
        return self.corrector.corrected(probabilities, clusters, self.rng, column), float(mean[0])

    def _of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        clusters = self.scored.clusters
        return self.scored.probabilities[rows], None if clusters is None else clusters[rows]

    def _cell(self, rows: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        """CELL_FIELDS, each (columns,), of these rows, and how many clusters they come in."""
        probabilities, clusters = self._of(rows)
        watched = self.classifier.columns.probabilities(probabilities)
        mean = watched.mean(axis=0, dtype=np.float64)
        error = _errors(watched, clusters)
        if self.corrector is None:
            found = self._without(mean, error, clusters)
        else:
            found = self.corrector.corrected(probabilities, clusters, self.rng)
        values = {
            "counted": self.classifier.given(probabilities).mean(axis=0),
            "mean": mean,
            "corrected": np.full(len(mean), np.nan) if self.corrector is None else found.share,
            "low": found.low,
            "high": found.high,
            "error": error,
            "third": ((watched - mean) ** 3).mean(axis=0),
            "fit": found.fit,
        }
        return values, effective(clusters)

    def _without(
        self, mean: np.ndarray, error: np.ndarray, clusters: np.ndarray | None
    ) -> Corrected:
        """The mean in place of a corrected share, with its own band."""
        reach = TWO_SIDED * wider(effective(clusters)) * error
        low, high = np.clip((mean - reach, mean + reach), 0, 1)
        return Corrected(mean, low, high, np.full(len(mean), np.nan))


def _errors(probabilities: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """(columns,) standard errors of means; clusters make none smaller."""
    alone = mean_errors(probabilities, None)
    return alone if clusters is None else np.maximum(alone, mean_errors(probabilities, clusters))
