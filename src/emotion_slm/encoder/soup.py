"""The mean of what several trainings learnt from one start (a model soup, Wortsman et al. 2022).

Fine-tunings that start from the same weights lie in one basin: their mean is a model too, with no
more to score than one. experiments/ingredients/RESULTS.md says what it gains.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from emotion_slm.training.batches import Rows
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.distributed import Tensors, assign, join, snapshot, trained_parameters
from emotion_slm.training.losses import Loss
from emotion_slm.training.params import TrainingParams
from emotion_slm.training.trainer import Training
from emotion_slm.training.validation import measure, predict

Report = Callable[[list[Epoch]], None]
Train = Callable[[int, Report], tuple[nn.Module, Training]]


def cook(
    build: Callable[[], nn.Module],
    train: Train,
    runs: int,
    params: TrainingParams,
    loss: Loss,
    validation: Rows,
    report: Report,
) -> tuple[nn.Module, Training]:
    """The mean of `runs` trainings, or the best of them where validation says that it is better.

    `train` gets the number of a training, from 0, and whom to tell its curve; it trains what
    `build` returns, always the same, and gives it back with the weights of its best epoch. The
    curve has the epochs of one training after the other, then the mean, as if it were one more:
    its training loss is the mean of theirs. The speed is the last training's.
    """
    curve: list[Epoch] = []
    kept: list[tuple[Epoch, Tensors]] = []
    for number in range(runs):
        model, training = train(number, partial(_tell, report, curve))
        curve = _continued(curve, training.curve)
        kept.append((best(training.curve, params.selection), snapshot(trained_parameters(model))))
        del model
    # Not the one trained last: where weights were in shards, it is of no further use.
    model = build().to(join().device)
    targets = trained_parameters(model)
    assign(targets, {name: _mean([tensors[name] for _, tensors in kept]) for name in targets})
    logits = predict(model, validation, params, join())
    found = measure(logits, validation.gold, loss, validation.single)
    train_loss = sum(epoch.train_loss for epoch, _ in kept) / runs
    mean = Epoch(len(curve) + 1, train_loss, *found)
    report([*curve, mean])
    alone = best([epoch for epoch, _ in kept], params.selection)
    if best([alone, mean], params.selection) is alone:
        assign(targets, next(tensors for epoch, tensors in kept if epoch is alone))
    return model, Training([*curve, mean], training.samples_per_second, runs)


def _tell(report: Report, before: list[Epoch], own: list[Epoch]) -> None:
    report(_continued(before, own))


def _continued(before: list[Epoch], own: list[Epoch]) -> list[Epoch]:
    """One curve after another, its epochs counted on."""
    return [*before, *(epoch._replace(epoch=len(before) + epoch.epoch) for epoch in own)]


def _mean(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([tensor.float() for tensor in tensors]).mean(dim=0)
