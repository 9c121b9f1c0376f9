"""Teachers that teach the rows they were trained on, as an ensemble: the plain way to distil."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import expit
from torch import nn

from emotion_slm.common.seeds import child_seed
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import Tensors, join, snapshot, trained_parameters
from emotion_slm.training.losses import Loss
from emotion_slm.training.params import TrainingParams
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict
from ingredients.distillation import Lesson


def teach_in_sample(
    build: Callable[[], nn.Module],
    loss: Loss,
    train_rows: Rows,
    validation_rows: Rows,
    teachers: int,
    params: TrainingParams,
    seed: int,
    folder: Path,
) -> Lesson:
    """As `distillation.teach`, but every teacher trains on all of `train_rows` and teaches all."""
    sums: Tensors = {}
    probabilities = np.zeros((train_rows.count, train_rows.gold.shape[1]))
    for index in range(teachers):
        model = build()
        own_seed = child_seed(seed, f"teacher {index}")
        place = folder / f"teacher-{index}"
        train(model, loss, train_rows, validation_rows, params, own_seed, place)
        for name, tensor in snapshot(trained_parameters(model)).items():
            sums[name] = sums[name] + tensor if name in sums else tensor
        logits = predict(model, train_rows, params, join())
        probabilities += expit(logits.astype(np.float64))
    return Lesson(
        {name: tensor / teachers for name, tensor in sums.items()},
        (probabilities / teachers).astype(np.float32),
    )
