"""One training: a classifier on balanced vectors, with the steps every arm makes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from goemotions import GOEMOTIONS, LABELS
from torch import nn

from balance_ablation.stream import Stream
from balance_ablation.vector_sets import VectorSet
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetune import LabelledVectors
from emotion_slm.classifier.finetuned import logits
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm
from emotion_slm.common.seeds import child_seed
from emotion_slm.training.batches import Rows
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.losses import build_loss
from emotion_slm.training.params import LossParams, TrainingParams
from emotion_slm.training.trainer import train


def fit(
    classifier: LinearHead | MlpHead | OnePositionSlm,
    vectors: np.ndarray,
    gold: np.ndarray,
    validation: LabelledVectors,
    loss: LossParams,
    training: TrainingParams,
    steps: int,
    seed: int,
) -> tuple[nn.Module, Epoch]:
    """Train on (n, d) `vectors` and (n, 28) `gold` for `steps`, validated `training.epochs` times.

    Returns the model with the weights of the best validation, and that validation. One seed gives
    all arms the same initial weights.
    """
    torch.manual_seed(child_seed(seed, "initial weights"))
    model = build_classifier(classifier, vectors.shape[1], LABELS)
    rows = Rows(vectors, gold, range(len(gold)), _collate)
    size = steps // training.epochs * training.batch_size
    with TemporaryDirectory() as checkpoints:
        done = train(
            model,
            build_loss(loss, GOEMOTIONS),
            Stream(rows, size, training.epochs, child_seed(seed, "passes")),
            Rows(*validation, _collate),
            training,
            seed,
            Path(checkpoints),
        )
    return model, best(done.curve, training.selection)


def held_out_logits(model: nn.Module, vectors: VectorSet) -> np.ndarray:
    """(validation + test, 28) float32 logits, validation first."""
    model.eval()
    return np.concatenate(
        [logits(model, vectors.validation.vectors), logits(model, vectors.test.vectors)]
    )


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}
