"""models/finetuned: the trained classifier, and logits from it."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from emotion_slm.backbone.tensors import load_trained, save_trained
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import Finetuned, FinetunedConfig
from emotion_slm.common.files import read_json, write_json
from emotion_slm.common.params import checked

WEIGHTS = "classifier.safetensors"
CONFIG = "config.json"


def write_finetuned(folder: Path, model: nn.Module, finetuned: Finetuned) -> None:
    """Write the trained tensors and config.json."""
    save_trained(model, folder / WEIGHTS)
    config = {"classifier": finetuned.classifier.model_dump(), "width": finetuned.width}
    write_json(folder / CONFIG, config)


def read_finetuned(folder: Path) -> Finetuned:
    """Read config.json of models/finetuned; EmotionSlmError names a key that is wrong."""
    path = folder / CONFIG
    return checked(FinetunedConfig, read_json(path), path, absent="; run `dvc repro`").finetuned()


def load_classifier(finetuned: Finetuned, weights: Path) -> nn.Module:
    """The trained classifier in evaluation mode."""
    model = build_classifier(finetuned.classifier, finetuned.width)
    load_trained(model, weights)
    return model.eval()


def logits(model: nn.Module, vectors: np.ndarray, batch_size: int = 512) -> np.ndarray:
    """(n, d) vectors → (n, 28) float32 raw logits."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(np.array(batch)).to(device))["logits"].float().cpu().numpy()
            for batch in np.split(vectors, range(batch_size, len(vectors), batch_size))
        ]
    return np.concatenate(parts)
