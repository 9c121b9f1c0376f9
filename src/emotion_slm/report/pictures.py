"""The figures of a report: files of metrics/plots, each with what it shows."""

import base64
from pathlib import Path
from typing import NamedTuple

from emotion_slm import paths
from emotion_slm.files import require

SHOWN = {
    "per_label_f1": "F1 per label with 95 % bootstrap intervals; labels with few positives are "
    "hatched.",
    "precision_recall": "Precision and recall per label on test.",
    "confusions": "Which emotion is taken for which: of the rows on which a gold label is missed, "
    "the share on which another label is wrongly predicted.",
    "threshold_curves": "F1 over the threshold per label on validation: a flat curve forgives a "
    "threshold that is a little off, a ragged one is a label with few positives.",
    "reliability": "Predicted probability against observed share, before and after calibration.",
    "training_curve": "Loss and validation quality per epoch.",
    "corpus_imbalance": "Rows per label in the corpus.",
    "label_frequency": "Rows per label after balancing, and in the natural held-out splits.",
    "ismote_counts": "Rows per label before and after oversampling.",
    "ismote_scatter": "Real and synthetic rows of the rarest labels, beside validation rows.",
}


class Picture(NamedTuple):
    """A PNG file and its caption."""

    path: Path
    caption: str

    def data_uri(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(self.path.read_bytes()).decode()}"


def read_pictures() -> list[Picture]:
    """Every figure, the most telling first; EmotionSlmError when one is missing."""
    return [
        Picture(require(paths.PLOTS / f"{name}.png"), caption) for name, caption in SHOWN.items()
    ]
