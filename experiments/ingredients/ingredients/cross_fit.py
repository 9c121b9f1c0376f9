"""Teachers that have not seen what they teach: each speaks for rows it was not trained on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import expit
from torch import nn

from emotion_slm.encoder.distillation import Lesson
from emotion_slm.evaluation import folds
from emotion_slm.model.losses import Loss
from emotion_slm.params.training import TrainingParams
from emotion_slm.seeds import child_seed
from emotion_slm.training.distributed import join
from emotion_slm.training.rows import Rows
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict
from emotion_slm.training.weights import snapshot, trained_parameters


def teach_out_of_fold(
    build: Callable[[], nn.Module],
    loss: Loss,
    rows: Rows,
    selection: Rows,
    teachers: int,
    params: TrainingParams,
    seed: int,
    folder: Path,
) -> Lesson:
    """As `distillation.teach`, but teacher k trains without fold k of `rows` and teaches that one.

    The probabilities are those of one teacher per row, the weights the mean of all. Equal texts
    share a fold.
    """
    fold = _fold_of(rows, teachers, seed)
    probabilities = np.zeros(rows.gold.shape, dtype=np.float32)
    weights: dict = {}
    for index in range(teachers):
        model = build()
        seen, unseen = _taken(rows, fold != index), _taken(rows, fold == index)
        own_seed = child_seed(seed, f"teacher {index}")
        train(model, loss, seen, selection, params, own_seed, folder / f"teacher-{index}")
        probabilities[fold == index] = expit(predict(model, unseen, params, join()))
        for name, tensor in snapshot(trained_parameters(model)).items():
            weights[name] = weights.get(name, 0) + tensor / teachers
    return Lesson(weights, probabilities)


def _fold_of(rows: Rows, count: int, seed: int) -> np.ndarray:
    """(n,) fold of each row, stratified by label, equal token ids together."""
    texts: dict[tuple, int] = {}
    groups = np.array([texts.setdefault(tuple(ids), len(texts)) for ids in rows.features])
    own_seed = child_seed(seed, "teacher folds")
    return folds.assign(rows.gold, groups[:, None], count, own_seed, groups)


def _taken(rows: Rows, mask: np.ndarray) -> Rows:
    where = np.flatnonzero(mask)
    return rows._replace(
        features=[rows.features[index] for index in where],
        gold=rows.gold[where],
        ids=[rows.ids[index] for index in where],
        lengths=rows.lengths[where],
    )
