"""A package scored by PyTorch: its trained tensors over the pinned base."""

import numpy as np
import torch

from emotion_slm.classifier.finetuned import logits
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.embed import embed
from emotion_slm.package.contents import read_tokenizer
from emotion_slm.package.models import load_models
from emotion_slm.package.package import Package
from emotion_slm.package.tokenizer import TOKENIZER

BATCH_SIZE = 32


class TorchEngine:
    """Encoder and classifier as PyTorch modules."""

    def __init__(self, package: Package, device: str | None):
        place = _available(device) if device else None
        self.folder = package.folder
        self.tokenizer = read_tokenizer(package)
        self.encoder, self.classifier = load_models(package)
        if place:
            self.encoder.to(place)
            self.classifier.to(place)

    def logits(self, texts: list[str]) -> np.ndarray:
        return self.embeddings(texts)[1]

    def embeddings(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """At least one text → (n, d) vectors and (n, labels) raw logits, both float32, in order."""
        try:
            vectors = embed(texts, self.encoder, self.tokenizer, BATCH_SIZE, lambda _: None)
        except IndexError as error:
            raise EmotionSlmError(
                f"{self.folder / TOKENIZER}: gives a token that the encoder lacks ({error}); "
                "fetch the model again"
            ) from error
        return vectors, logits(self.classifier, vectors)


def _available(device: str) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise EmotionSlmError(f"device {device!r} is not to be had here ({reason})") from error
    return place
