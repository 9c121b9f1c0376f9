"""Distillation: several encoders, adapted from one start, teach another that ships alone.

An ensemble ranks better than its members and costs as many passes; a student keeps part of the
gain at the cost of one (Hinton et al. 2015). Teachers differ in the order of rows and in dropout
only, so the mean of their weights is a model too (Wortsman et al. 2022): the student starts there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from torch import nn

from emotion_slm.console import console
from emotion_slm.model.losses import Loss, binary_cross_entropy
from emotion_slm.params.adapt import DistillationParams
from emotion_slm.params.training import TrainingParams
from emotion_slm.seeds import child_seed
from emotion_slm.training.distributed import join
from emotion_slm.training.rows import Rows
from emotion_slm.training.trainer import Training, train
from emotion_slm.training.validation import predict
from emotion_slm.training.weights import Tensors, assign, snapshot, trained_parameters


class Lesson(NamedTuple):
    """Means over the teachers: their trained weights, and (n, 28) float32 probabilities."""

    weights: Tensors
    probabilities: np.ndarray


def teach(
    build: Callable[[], nn.Module],
    loss: Loss,
    train_rows: Rows,
    validation_rows: Rows,
    teachers: int,
    params: TrainingParams,
    seed: int,
    folder: Path,
) -> Lesson:
    """Train `teachers` models, each from what `build` returns; what they say of `train_rows`.

    A teacher's checkpoints stay in `folder` when it is done, so that an interrupted run does not
    train it again.
    """
    sums: Tensors = {}
    probabilities = np.zeros((train_rows.count, train_rows.gold.shape[1]))
    for index in range(teachers):
        console.print(f"teacher {index + 1} of {teachers}")
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


def learn(
    student: nn.Module,
    lesson: Lesson,
    train_rows: Rows,
    validation_rows: Rows,
    params: DistillationParams,
    seed: int,
    folder: Path,
) -> Training:
    """Train `student` from the teachers' mean weights on a mixture of their probabilities and gold.

    The loss is binary cross-entropy against `weight` · teachers + (1 − `weight`) · gold. The best
    epoch, judged on gold labels, is left in `student`.
    """
    assign(trained_parameters(student), lesson.weights)
    targets = params.weight * lesson.probabilities + (1 - params.weight) * train_rows.gold
    rows = train_rows._replace(gold=targets.astype(np.float32))
    own_seed = child_seed(seed, "student")
    return train(
        student, binary_cross_entropy, rows, validation_rows, params.training, own_seed, folder
    )
