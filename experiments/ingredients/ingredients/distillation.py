"""Distillation: encoders that have not seen a row teach another what it means.

Cross-fitting: teacher k is adapted without fold k of train, and what it says of that fold is not
memory. The plain way, an ensemble, is that every teacher trains on all rows and speaks of all. The
student learns a mixture of this and gold, which steadies the labels that annotators
gave at odds, and costs one pass where an ensemble costs as many as it has members (Hinton et al.
2015). Teachers share their initial head, so the mean of their weights is a model too (Wortsman et
al. 2022): the student starts there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import expit
from torch import nn

from emotion_slm.common import folds
from emotion_slm.common.console import console
from emotion_slm.common.params import Section
from emotion_slm.common.seeds import child_seed
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import Tensors, assign, join, snapshot, trained_parameters
from emotion_slm.training.losses import Loss, binary_cross_entropy
from emotion_slm.training.params import TrainingParams
from emotion_slm.training.trainer import Training, train
from emotion_slm.training.validation import predict


class DistillationParams(Section):
    """How a student learns. `weight`: the teachers' share in its targets, the rest being the gold
    labels; `training`: the student's own."""

    weight: float = Field(gt=0, le=1)
    training: TrainingParams


class Taught(NamedTuple):
    """The mean of the teachers' trained weights, and (n, 28) float32 probabilities of all rows."""

    weights: Tensors
    probabilities: np.ndarray


def teach(
    build: Callable[[], nn.Module],
    loss: Loss,
    train_rows: Rows,
    validation_rows: Rows,
    groups: np.ndarray | None,
    teachers: int,
    params: TrainingParams,
    seed: int,
    folder: Path,
) -> Taught:
    """Train `teachers` models, each from what `build` returns and without a fold of `train_rows`.

    Each says what the rows of its fold mean. Folds are stratified by label; rows of one of the
    `groups`, (n,) numbers of equal texts, share a fold. Without `groups` there are no folds: every
    teacher trains on all rows, and what they say is averaged. A teacher's checkpoints stay in
    `folder` when it is done, so that an interrupted run does not train it again.
    """
    everything = np.arange(train_rows.count)
    parts = [(everything, everything)] * teachers  # rows to train on, rows to speak of
    if groups is not None:
        fold = folds.assign(
            train_rows.gold, groups[:, None], teachers, child_seed(seed, "teacher folds"), groups
        )
        parts = [
            (np.flatnonzero(fold != index), np.flatnonzero(fold == index))
            for index in range(teachers)
        ]
    processes = join()
    sums: Tensors = {}
    probabilities = np.zeros(train_rows.gold.shape)
    for index, (learnt, spoken) in enumerate(parts):
        if processes.rank == 0:
            console.print(f"teacher {index + 1} of {teachers}")
        model = build()
        own_seed = child_seed(seed, f"teacher {index}")
        place = folder / f"teacher-{index}"
        train(model, loss, train_rows.part(learnt), validation_rows, params, own_seed, place)
        logits = predict(model, train_rows.part(spoken), params, processes)
        probabilities[spoken] += expit(logits.astype(np.float64))
        for name, tensor in snapshot(trained_parameters(model)).items():
            sums[name] = sums[name] + tensor if name in sums else tensor
    if groups is None:
        probabilities /= teachers
    mean = {name: tensor / teachers for name, tensor in sums.items()}
    return Taught(mean, probabilities.astype(np.float32))


def learn(
    student: nn.Module,
    taught: Taught,
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
    assign(trained_parameters(student), taught.weights)
    targets = params.weight * taught.probabilities + (1 - params.weight) * train_rows.gold
    rows = train_rows._replace(gold=targets.astype(np.float32))
    own_seed = child_seed(seed, "student")
    return train(
        student, binary_cross_entropy, rows, validation_rows, params.training, own_seed, folder
    )
