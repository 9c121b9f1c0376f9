"""What computes the logits of texts: PyTorch, or ONNX Runtime for exported models."""

from typing import Protocol

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.package.config import ONNX, package_file
from emotion_slm.package.contents import read_tokenizer
from emotion_slm.package.package import Package
from emotion_slm.package.tokenizer import PackagedTokenizer
from emotion_slm.scoring.onnx_graph import OnnxGraph


class Engine(Protocol):
    """Threads may share one."""

    tokenizer: PackagedTokenizer

    def logits(self, texts: list[str]) -> np.ndarray:
        """At least one text → (n, labels) float32 raw logits, in order."""

    def embeddings(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The texts' vectors too, and first; EmotionSlmError of an engine that has none."""


def load_engine(package: Package, device: str | None) -> Engine:
    """The engine that the package is made for; EmotionSlmError when it cannot run on `device`, or
    when PyTorch, of the extra `train`, is not installed."""
    if package.onnx:
        return OnnxEngine(package, device)
    try:
        # PyTorch and transformers take seconds of CPU to import, and a scoring install has neither.
        from emotion_slm.scoring.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        raise EmotionSlmError(
            f"{package.folder}: PyTorch scores it, and {error.name} is not installed; install the "
            "extra `train` of emotion-slm, or give a folder that `emotion-slm export --onnx` wrote"
        ) from error
    return TorchEngine(package, device)


class OnnxEngine:
    """The graph of an exported model, on the CPU."""

    def __init__(self, package: Package, device: str | None):
        self.folder = package.folder
        if device not in (None, "cpu"):
            raise EmotionSlmError(
                f"{package.folder}: an ONNX export runs on the CPU; for device {device!r} load the "
                "model it was exported from"
            )
        self.tokenizer = read_tokenizer(package)
        path = package_file(package.folder, ONNX)
        self.graph = OnnxGraph(path)
        labels = len(package.finetuned.labels)
        if self.graph.width != labels:
            raise EmotionSlmError(
                f"{path}: gives {self.graph.width} logits, expected {labels}, one for each label; "
                "export the model again"
            )

    def logits(self, texts: list[str]) -> np.ndarray:
        return self.graph.read(texts, self.tokenizer)

    def embeddings(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        raise EmotionSlmError(
            f"{self.folder}: an ONNX export gives no embeddings; "
            "give the model it was exported from"
        )
