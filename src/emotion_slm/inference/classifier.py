"""EmotionClassifier: texts in, calibrated probabilities of the 28 labels out."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.tokens import Tokenizer
from emotion_slm.evaluation.calibration import Calibration
from emotion_slm.evaluation.thresholds import Thresholds
from emotion_slm.files import read_json
from emotion_slm.labels import LABELS
from emotion_slm.model.finetuned import load_classifier, logits
from emotion_slm.model.package import CALIBRATION, CLASSIFIER, ENCODER, THRESHOLDS, read_package
from emotion_slm.model.pretrained import locate

BATCH_SIZE = 32


class EmotionClassifier:
    """A packaged model.

    >>> classifier = EmotionClassifier.from_pretrained("models/classifier")
    >>> classifier.predict(["thank you so much!"])
    [{'gratitude': 0.97}]
    """

    def __init__(self, folder: Path):
        self.package = read_package(folder)
        encoder = self.package.encoder
        self.encoder = load_encoder(encoder, self.package.adapted, folder / ENCODER)
        self.tokenizer = Tokenizer(locate(encoder), encoder.max_length)
        self.classifier = load_classifier(self.package.finetuned, folder / CLASSIFIER)
        self.calibration = Calibration.from_dict(
            read_json(folder / CALIBRATION), str(folder / CALIBRATION)
        )
        self.thresholds = Thresholds.from_dict(
            read_json(folder / THRESHOLDS), str(folder / THRESHOLDS)
        ).per_label

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "EmotionClassifier":
        """Load a model folder; EmotionSlmError when a file is missing, altered or too new."""
        return cls(Path(folder))

    def logits(self, texts: Iterable[str]) -> np.ndarray:
        """(n, 28) float32 raw logits, in the order of `texts`.

        Raises TypeError for a single string, which would be scored letter by letter.
        """
        if isinstance(texts, str):
            raise TypeError("give a list of texts, not one string")
        texts = list(texts)
        if not texts:
            return np.empty((0, len(LABELS)), dtype=np.float32)
        vectors = embed(texts, self.encoder, self.tokenizer, BATCH_SIZE, lambda _: None)
        return logits(self.classifier, vectors)

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """(n, 28) float32 calibrated probabilities, columns in the order of `labels.LABELS`."""
        return self.probabilities(texts).astype(np.float32)

    def probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """What `predict_proba` returns before rounding to float32; thresholds apply to these."""
        return self.calibration.apply(self.logits(texts))

    def predict(
        self, texts: Iterable[str], threshold: float | None = None
    ) -> list[dict[str, float]]:
        """Per text the labels at or above their threshold, most probable first.

        `threshold` replaces the per-label thresholds tuned on validation.
        """
        return self.above_threshold(self.probabilities(texts), threshold)

    def above_threshold(
        self, probabilities: np.ndarray, threshold: float | None = None
    ) -> list[dict[str, float]]:
        """What `predict` returns, for (n, 28) probabilities at hand."""
        limits = self.thresholds if threshold is None else np.full(len(LABELS), threshold)
        return [
            {
                LABELS[column]: float(row[column])
                for column in np.argsort(-row, kind="stable")
                if row[column] >= limits[column]
            }
            for row in probabilities
        ]
