"""A package scored by PyTorch: its trained tensors over the pinned base."""

import numpy as np
import torch

from emotion_slm.classifier.finetuned import load_classifier, logits
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.embed import embed
from emotion_slm.package.package import CLASSIFIER, ENCODER, Package
from emotion_slm.package.tokenizer import PackagedTokenizer

BATCH_SIZE = 32


class TorchEngine:
    """Encoder and classifier as PyTorch modules."""

    def __init__(self, package: Package, device: str | None):
        place = _available(device) if device else None
        folder = package.folder
        self.tokenizer = PackagedTokenizer(folder, package.encoder.max_length)
        self.encoder = load_encoder(package.encoder, package.adapted, folder / ENCODER)
        self.classifier = load_classifier(package.finetuned, folder / CLASSIFIER)
        if place:
            self.encoder.to(place)
            self.classifier.to(place)

    def logits(self, texts: list[str]) -> np.ndarray:
        vectors = embed(texts, self.encoder, self.tokenizer, BATCH_SIZE, lambda _: None)
        return logits(self.classifier, vectors)


def _available(device: str) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise EmotionSlmError(f"device {device!r} is not to be had here ({reason})") from error
    return place
