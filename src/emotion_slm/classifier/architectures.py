"""Classifiers on embedding vectors: heads, and the published architecture around an SLM."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from emotion_slm.backbone.tensors import load_trained
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import HEAD, read_adapted


class HeadClassifier(nn.Module):
    """Linear; or, with `hidden` units, linear, GELU, dropout, linear."""

    def __init__(self, width: int, labels: int, hidden: int | None = None, dropout: float = 0.0):
        super().__init__()
        if hidden is None:
            layers = [nn.Linear(width, labels)]
        else:
            layers = [
                nn.Linear(width, hidden),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, labels),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        """(n, width) float32 vectors → `logits`, (n, labels) float32."""
        return {"logits": self.layers(vectors)}


def build_classifier(
    params: LinearHead | MlpHead | OnePositionSlm, width: int, labels: Sequence[str]
) -> nn.Module:
    """A fresh classifier: (n, width) vectors → `["logits"]`, (n, labels).

    What training may change requires a gradient.
    """
    if isinstance(params, LinearHead):
        return HeadClassifier(width, len(labels))
    if isinstance(params, MlpHead):
        return HeadClassifier(width, len(labels), params.hidden, params.dropout)
    # It brings transformers, which takes seconds of CPU to import and which heads do without.
    from emotion_slm.classifier.one_position import build_one_position

    return build_one_position(params, width, labels)


def load_adapted_head(folder: Path, width: int, labels: Sequence[str]) -> HeadClassifier:
    """The linear head that adaptation trained beside the encoder, in evaluation mode.

    `folder`: models/adapted; its vectors are `width` wide. EmotionSlmError when the encoder is
    frozen and has no head.
    """
    if read_adapted(folder).frozen:
        raise EmotionSlmError(
            f"{folder} holds a frozen encoder, which brings no head: set finetune.start to fresh"
        )
    head = HeadClassifier(width, len(labels))
    load_trained(head.layers[0], folder / HEAD)
    return head.eval()
