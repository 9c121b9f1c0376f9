"""Stage finetune: the classifier learns from the balanced vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from emotion_slm.model.classifiers import build_classifier
from emotion_slm.model.finetuned import Finetuned, write_finetuned
from emotion_slm.model.losses import build_loss
from emotion_slm.params.finetune import FinetuneParams
from emotion_slm.training.distributed import join
from emotion_slm.training.rows import Rows
from emotion_slm.training.trainer import Training, train


class LabelledVectors(NamedTuple):
    """vectors: (n, d) float32; gold: (n, 28) int8; ids: (n,)."""

    vectors: np.ndarray
    gold: np.ndarray
    ids: Sequence[str]


def finetune(
    train_set: LabelledVectors,
    validation_set: LabelledVectors,
    params: FinetuneParams,
    seed: int,
    output: Path,
    resume_folder: Path,
) -> Training:
    """Train the classifier and write the weights of its best epoch to `output`.

    The best epoch is chosen on `validation_set`. Returns the training's curve and speed. Of several
    processes, the first writes.
    """
    processes = join()
    torch.manual_seed(seed)  # initial layers and adapters
    width = train_set.vectors.shape[1]
    model = build_classifier(params.classifier, width)
    training = train(
        model,
        build_loss(params.loss, train_set.gold.sum(0)),
        Rows(*train_set, _collate),
        Rows(*validation_set, _collate),
        params.training,
        seed,
        resume_folder,
    )
    if processes.rank == 0:
        write_finetuned(output, model, Finetuned(params.classifier, width))
    return training


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}
