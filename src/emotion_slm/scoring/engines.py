"""What computes the logits of texts: PyTorch, or ONNX Runtime for exported models."""

from threading import Lock
from typing import Protocol

import numpy as np
import torch

from emotion_slm.backbone.loading import quiet
from emotion_slm.classifier.finetuned import load_classifier, logits
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.package.package import CLASSIFIER, ENCODER, ONNX, Package
from emotion_slm.scoring.onnx_graph import OnnxGraph

BATCH_SIZE = 32


class Engine(Protocol):
    """Threads may share one."""

    def logits(self, texts: list[str]) -> np.ndarray:
        """At least one text → (n, 28) float32 raw logits, in order."""


def load_engine(package: Package, device: str | None) -> Engine:
    """The engine that the package is made for; EmotionSlmError when it cannot run on `device`."""
    return OnnxEngine(package, device) if package.onnx else TorchEngine(package, device)


class TorchEngine:
    """Encoder and classifier as PyTorch modules."""

    def __init__(self, package: Package, device: str | None):
        place = _available(device) if device else None
        folder = package.folder
        self.tokenizer = SharedTokenizer(folder, package.encoder.max_length)
        self.encoder = load_encoder(package.encoder, package.adapted, folder / ENCODER)
        self.classifier = load_classifier(package.finetuned, folder / CLASSIFIER)
        if place:
            self.encoder.to(place)
            self.classifier.to(place)

    def logits(self, texts: list[str]) -> np.ndarray:
        vectors = embed(texts, self.encoder, self.tokenizer, BATCH_SIZE, lambda _: None)
        return logits(self.classifier, vectors)


class OnnxEngine:
    """The graph of an exported model, on the CPU."""

    def __init__(self, package: Package, device: str | None):
        if device not in (None, "cpu"):
            raise EmotionSlmError(
                f"{package.folder}: an ONNX export runs on the CPU; for device {device!r} load the "
                "model it was exported from"
            )
        self.tokenizer = SharedTokenizer(package.folder, package.encoder.max_length)
        self.graph = OnnxGraph(package.folder / ONNX)

    def logits(self, texts: list[str]) -> np.ndarray:
        return self.graph.read(texts, self.tokenizer)


class SharedTokenizer(Tokenizer):
    """One that threads may share: a fast tokenizer sets its truncation anew in every call."""

    def __init__(self, folder, max_length: int):
        with quiet():  # transformers complains that a package's config is none of its own
            super().__init__(folder, max_length)
        self.lock = Lock()

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        with self.lock:
            return super().__call__(texts)


def _available(device: str) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise EmotionSlmError(f"device {device!r} is not to be had here ({reason})") from error
    return place
