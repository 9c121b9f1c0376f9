"""What the project's pages share: templates, escaped by default, and the figures they show."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from emotion_slm.common import paths
from emotion_slm.common.files import require

if TYPE_CHECKING:
    from jinja2 import Environment

# Names of metrics files in words; a name that is not here is shown with its underscores as blanks.
WORDS = {
    "adapt_head": "the encoder with the head it was adapted with",
    "majority": "baseline: the most frequent label set",
    "tfidf_logistic": "baseline: TF-IDF + logistic regression",
    "published_composition": "neutral thinned as in the published recipe",
    "without_texts_seen_in_train": "without texts seen in train",
}


def environment() -> "Environment":
    """The templates of this package; a name they use and do not get is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("emotion_slm.workbench"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "score": lambda value: f"{value:.3f}",
        "count": lambda value: f"{value:,}",
        "interval": interval,
        "words": words,
    }
    return found


def interval(value: tuple[float, float]) -> str:
    return f"{value[0]:.3f}–{value[1]:.3f}"


def words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


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
