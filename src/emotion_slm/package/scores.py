"""scores.json of a package: how the classifier scored validation rows, with and without each label.

It says how well the classifier tells a label's texts from others, which a share corrected for a
shift needs, and its band.
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
            share = row.get("train_share")
            if type(share) is not float or not 0 <= share <= 1:
                raise EmotionSlmError(f"{source}: {label}: train_share must be from 0 to 1")
            for name in ("positives", "negatives"):
                if not _counts(row.get(name)):
                    raise EmotionSlmError(f"{source}: {label}: {name} must be {BINS} counts")
        return cls(
            np.array([row["train_share"] for row in rows]),
            np.array([row["positives"] for row in rows], dtype=np.int64),
            np.array([row["negatives"] for row in rows], dtype=np.int64),
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


def _counts(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == BINS
        and all(type(count) is int and 0 <= count < MOST_ROWS for count in value)
    )
