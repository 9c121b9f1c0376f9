"""Stage finetune: the classifier learns from the balanced vectors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from emotion_slm.classifier.architectures import (
    HeadClassifier,
    build_classifier,
    load_adapted_head,
)
from emotion_slm.classifier.finetuned import (
    Finetuned,
    LabelledVectors,
    logits,
    training_record,
    write_finetuned,
)
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.training.batches import Rows
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.distributed import assign, join, snapshot, trained_parameters
from emotion_slm.training.losses import Loss, build_loss
from emotion_slm.training.trainer import Training, train
from emotion_slm.training.validation import measure


def finetune(
    train_set: LabelledVectors,
    validation_set: LabelledVectors,
    labels: LabelSet,
    params: FinetuneParams,
    seed: int,
    output: Path,
    resume_folder: Path,
    adapted: Path | None = None,
    on_epoch: Callable[[list[Epoch]], None] | None = None,
) -> Training:
    """Train the classifier and write the weights of its best epoch to `output`.

    The best epoch is chosen on `validation_set`; a head that starts from the one in `adapted`
    (models/adapted) has an epoch 0, before any step, which is chosen when no later one is better.
    `on_epoch` gets the curve so far. Returns the training's curve and speed. Of several processes,
    the first writes.
    """
    processes = join()
    torch.manual_seed(seed)  # initial layers and adapters
    width = train_set.vectors.shape[1]
    loss = build_loss(params.loss, labels, train_set.gold)
    if params.start == "adapted":
        model = load_adapted_head(adapted, width, labels.names)
        start, zero = (
            snapshot(trained_parameters(model)),
            _zero(model, train_set, validation_set, loss, labels.single),
        )
    else:
        model, start, zero = build_classifier(params.classifier, width, labels.names), {}, []
    rows, validation_rows = (
        Rows(*part, _collate, single=labels.single) for part in (train_set, validation_set)
    )

    def report(curve: list[Epoch]) -> None:
        if on_epoch:
            on_epoch([*zero, *curve])

    training = train(
        model, loss, rows, validation_rows, params.training, seed, resume_folder, report
    )
    training = training._replace(curve=[*zero, *training.curve])
    if best(training.curve, params.training.selection).epoch == 0:
        assign(trained_parameters(model), start)
    if processes.rank == 0:
        record = training_record(train_set, validation_set)
        write_finetuned(output, model, Finetuned(params.classifier, width, labels.names), record)
    return training


def _zero(
    model: HeadClassifier,
    train_set: LabelledVectors,
    validation_set: LabelledVectors,
    loss: Loss,
    single: bool,
) -> list[Epoch]:
    """The curve's line before the first step."""
    before, validation = (
        measure(logits(model, part.vectors), part.gold, loss, single)
        for part in (train_set, validation_set)
    )
    return [Epoch(0, before.loss, *validation)]


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}
