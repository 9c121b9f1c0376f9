"""models/finetuned: the trained classifier, what it was trained on, and logits from it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from emotion_slm.backbone.tensors import load_trained, save_trained
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import Finetuned, FinetunedConfig, TrainingRecord
from emotion_slm.common.files import read_json, sha256_lines, write_json
from emotion_slm.common.params import checked

WEIGHTS = "classifier.safetensors"
CONFIG = "config.json"


class LabelledVectors(NamedTuple):
    """vectors: (n, d) float32; gold: (n, labels) int8; ids: (n,)."""

    vectors: np.ndarray
    gold: np.ndarray
    ids: Sequence[str]


def training_record(train_set: LabelledVectors, validation_set: LabelledVectors) -> TrainingRecord:
    """Which rows a classifier learnt from, and which picked its epoch."""
    data = hashlib.sha256()
    for id_ in train_set.ids:
        data.update(f"{id_}\n".encode())
    for array in (train_set.gold, train_set.vectors):
        data.update(memoryview(np.ascontiguousarray(array)).cast("B"))
    return TrainingRecord(
        rows=len(train_set.ids),
        ids_sha256=sha256_lines(train_set.ids),
        data_sha256=data.hexdigest(),
        validation_rows=len(validation_set.ids),
        validation_ids_sha256=sha256_lines(validation_set.ids),
    )


def write_finetuned(
    folder: Path, model: nn.Module, finetuned: Finetuned, trained_on: TrainingRecord | None = None
) -> None:
    """Write the trained tensors and config.json."""
    save_trained(model, folder / WEIGHTS)
    config = {
        "classifier": finetuned.classifier.model_dump(),
        "width": finetuned.width,
        "id2label": {str(place): label for place, label in enumerate(finetuned.labels)},
    }
    if trained_on is not None:
        config["trained_on"] = trained_on.model_dump()
    write_json(folder / CONFIG, config)


def read_finetuned(folder: Path) -> Finetuned:
    """Read config.json of models/finetuned; EmotionSlmError names a key that is wrong."""
    return _config(folder).finetuned()


def read_training_record(folder: Path) -> TrainingRecord | None:
    """What `training_record` gave; None of a classifier made before that was kept."""
    return _config(folder).trained_on


def _config(folder: Path) -> FinetunedConfig:
    path = folder / CONFIG
    return checked(FinetunedConfig, read_json(path), path, absent="; run `dvc repro`")


def load_classifier(finetuned: Finetuned, weights: Path) -> nn.Module:
    """The trained classifier in evaluation mode."""
    model = build_classifier(finetuned.classifier, finetuned.width, finetuned.labels)
    load_trained(model, weights)
    return model.eval()


def logits(model: nn.Module, vectors: np.ndarray, batch_size: int = 512) -> np.ndarray:
    """(n, d) vectors → (n, labels) float32 raw logits."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(np.array(batch)).to(device))["logits"].float().cpu().numpy()
            for batch in np.split(vectors, range(batch_size, len(vectors), batch_size))
        ]
    return np.concatenate(parts)
