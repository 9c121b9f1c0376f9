"""models/finetuned: the trained classifier, and logits from it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import PositiveInt, TypeAdapter
from torch import nn

from emotion_slm.backbone.tensors import load_trained, save_trained
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import ClassifierParams, LinearHead, MlpHead, OnePositionSlm
from emotion_slm.common.files import read_json, write_json

WEIGHTS = "classifier.safetensors"
CONFIG = "config.json"


class Finetuned(NamedTuple):
    """What config.json says: which classifier, on vectors of which width."""

    classifier: LinearHead | MlpHead | OnePositionSlm
    width: int


def write_finetuned(folder: Path, model: nn.Module, finetuned: Finetuned) -> None:
    """Write the trained tensors and config.json."""
    save_trained(model, folder / WEIGHTS)
    config = {"classifier": finetuned.classifier.model_dump(), "width": finetuned.width}
    write_json(folder / CONFIG, config)


def parse_finetuned(config: dict) -> Finetuned:
    """The keys `classifier` and `width` of a config; pydantic's ValidationError on bad content."""
    classifier = TypeAdapter(ClassifierParams).validate_python(config["classifier"])
    width = TypeAdapter(PositiveInt).validate_python(config["width"], strict=True)
    return Finetuned(classifier, width)


def read_finetuned(folder: Path) -> Finetuned:
    """Read config.json of models/finetuned."""
    return parse_finetuned(read_json(folder / CONFIG))


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
