"""scores.json of a package: how the classifier scored validation rows.

It says how well the classifier tells a label's texts from others, which a share corrected for a
shift needs, and its band: by label, with it and without, or of models that give exactly one label,
by class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotion_slm.calibration.maps import check_labels
from emotion_slm.common.errors import EmotionSlmError

# Bins of equal width in the logit; what lies outside falls into the first or the last.
BINS = 64
LOWEST, HIGHEST = -9.0, 7.0
CENTRES = LOWEST + (np.arange(BINS) + 0.5) * (HIGHEST - LOWEST) / BINS
MOST_ROWS = 2**40
# Of rows by class: their probabilities as whole numbers of so many parts, so many rows of a class
# at most, and so many numbers in all.
PARTS = 100_000
ROWS_OF_CLASS, MOST_NUMBERS = 1000, 2_000_000


@dataclass(frozen=True, eq=False)
class ScoreHistograms:
    """Validation rows by their calibrated probability, and the label's share of train.

    `train_share`: (labels,) float64; `positives`, `negatives`: (labels, BINS) int64, rows that
    carry the label and rows that do not. The classifier was not trained on these rows; the packaged
    calibration was fitted on them, and must be the one that is looked at: isotonic steps of another
    lie elsewhere.
    """

    train_share: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    def of(self, *labels: int) -> "ScoreHistograms":
        """Of some labels alone, by their places."""
        chosen = list(labels)
        return ScoreHistograms(
            self.train_share[chosen], self.positives[chosen], self.negatives[chosen]
        )

    def to_dict(self, labels: Sequence[str]) -> dict:
        """The content of scores.json; `labels` name the rows, here and when it is read."""
        parts = zip(
            labels,
            self.train_share.tolist(),
            self.positives.tolist(),
            self.negatives.tolist(),
            strict=True,
        )
        return {
            label: {"train_share": share, "positives": positives, "negatives": negatives}
            for label, share, positives, negatives in parts
        }

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "ScoreHistograms":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it."""
        check_labels(content, labels, source)
        rows = [content[label] if isinstance(content[label], dict) else {} for label in labels]
        for label, row in zip(labels, rows, strict=True):
            _check_share(row, label, source)
            for name in ("positives", "negatives"):
                if not _counts(row.get(name)):
                    raise EmotionSlmError(f"{source}: {label}: {name} must be {BINS} counts")
        return cls(
            np.array([row["train_share"] for row in rows]),
            np.array([row["positives"] for row in rows], dtype=np.int64),
            np.array([row["negatives"] for row in rows], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Validation rows of a model that gives exactly one label, and the classes' shares of train.

    `train_share`: (classes,) float64; `rows`: (n, classes) calibrated probabilities of rows, at
    most ROWS_OF_CLASS of each class; `gold`: (n,) places of their classes.
    """

    train_share: np.ndarray
    rows: np.ndarray
    gold: np.ndarray

    def to_dict(self, labels: Sequence[str]) -> dict:
        """The content of scores.json."""
        parts = np.rint(self.rows * PARTS).astype(np.int64)
        return {
            label: {"train_share": share, "rows": parts[self.gold == place].tolist()}
            for place, (label, share) in enumerate(
                zip(labels, self.train_share.tolist(), strict=True)
            )
        }

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "ClassScores":
        """The reverse of `to_dict`; EmotionSlmError names `source` and what is wrong with it."""
        check_labels(content, labels, source)
        parts, gold = [], []
        for place, label in enumerate(labels):
            found = content[label] if isinstance(content[label], dict) else {}
            _check_share(found, label, source)
            rows = found.get("rows")
            if not isinstance(rows, list) or not all(_parts(row, len(labels)) for row in rows):
                raise EmotionSlmError(
                    f"{source}: {label}: rows must be lists of {len(labels)} counts; make the "
                    "package again with `dvc repro`"
                )
            parts += rows
            gold += [place] * len(rows)
        rows = np.array(parts, dtype=np.float64).reshape(len(parts), len(labels))
        return cls(
            np.array([content[label]["train_share"] for label in labels]),
            rows / rows.sum(axis=1, keepdims=True),
            np.array(gold, dtype=np.int64),
        )


def class_scores(
    probabilities: np.ndarray, gold: np.ndarray, train_share: np.ndarray
) -> ClassScores:
    """Of (n, classes) calibrated probabilities and one-hot gold of validation, and (classes,)
    shares; of classes with many rows some, at equal distances."""
    classes = gold.argmax(axis=1)
    most = max(1, min(ROWS_OF_CLASS, MOST_NUMBERS // gold.shape[1] ** 2))
    chosen = np.concatenate(
        [rows[:: -(-len(rows) // most) or 1]
         for rows in (np.flatnonzero(classes == place) for place in range(gold.shape[1]))]
    )  # fmt: skip
    return ClassScores(
        np.asarray(train_share, dtype=np.float64), probabilities[chosen], classes[chosen]
    )


def score_histograms(
    probabilities: np.ndarray, gold: np.ndarray, train_share: np.ndarray
) -> ScoreHistograms:
    """Of (n, labels) calibrated probabilities and gold of validation, and (labels,) shares."""
    columns = list(zip(bins_of(probabilities).T, (gold > 0).T, strict=True))
    return ScoreHistograms(
        np.asarray(train_share, dtype=np.float64),
        np.array([np.bincount(bins[held], minlength=BINS) for bins, held in columns]),
        np.array([np.bincount(bins[~held], minlength=BINS) for bins, held in columns]),
    )


def bins_of(probabilities: np.ndarray) -> np.ndarray:
    """The bin of each probability, uint8, of the same shape."""
    bounded = np.clip(probabilities, 1e-6, 1 - 1e-6)
    logits = np.log(bounded / (1 - bounded))
    places = (logits - LOWEST) * (BINS / (HIGHEST - LOWEST))
    return np.clip(places, 0, BINS - 1).astype(np.uint8)


def histogram(bins: np.ndarray) -> np.ndarray:
    """(n, labels) uint8 bins → (labels, BINS) counts."""
    labels = bins.shape[1]
    flat = np.bincount((bins + np.arange(labels) * BINS).ravel(), minlength=labels * BINS)
    return flat.reshape(labels, BINS)


def _counts(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == BINS
        and all(type(count) is int and 0 <= count < MOST_ROWS for count in value)
    )


def _parts(row: object, classes: int) -> bool:
    """Whether it may be a row of probabilities, in PARTS."""
    return (
        isinstance(row, list)
        and len(row) == classes
        and all(type(part) is int and 0 <= part <= PARTS for part in row)
        and any(row)
    )


def _check_share(content: dict, label: str, source: str) -> None:
    share = content.get("train_share")
    if type(share) is not float or not 0 <= share <= 1:
        raise EmotionSlmError(f"{source}: {label}: train_share must be from 0 to 1")
