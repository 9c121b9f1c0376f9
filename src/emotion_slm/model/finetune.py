"""Stage finetune: the classifier learns from the balanced vectors."""

from pathlib import Path

import numpy as np
import torch

from emotion_slm.model.classifiers import build_classifier
from emotion_slm.model.finetuned import Finetuned, write_finetuned
from emotion_slm.model.losses import build_loss
from emotion_slm.params.finetune import FinetuneParams
from emotion_slm.training.curve import Epoch
from emotion_slm.training.trainer import Rows, train


def finetune(
    vectors: np.ndarray,
    gold: np.ndarray,
    validation_vectors: np.ndarray,
    validation_gold: np.ndarray,
    params: FinetuneParams,
    seed: int,
    output: Path,
    resume_folder: Path,
) -> list[Epoch]:
    """Train the classifier and write the weights of its best epoch to `output`.

    vectors: (n, d) float32; gold: (n, 28) int8; the same for validation, on which the best epoch
    is chosen. Returns the training curve.
    """
    torch.manual_seed(seed)  # initial layers and adapters
    model = build_classifier(params.classifier, vectors.shape[1])
    curve = train(
        model,
        build_loss(params.loss, gold.sum(0)),
        Rows(vectors, gold, _collate),
        Rows(validation_vectors, validation_gold, _collate),
        params.training,
        seed,
        resume_folder,
    )
    write_finetuned(output, model, Finetuned(params.classifier, vectors.shape[1]))
    return curve


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}
