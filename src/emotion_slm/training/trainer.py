"""One training core for text and for vectors.

A loop of its own and not transformers' Trainer, for what a run must survive: checkpoints that are
whole or absent and hold only what trains, the running loss among them; a stop before a bad loss
reaches the weights; every random number a function of seed and step.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import nn

from emotion_slm.backbone.device import peak_memory
from emotion_slm.backbone.tensors import read_tensors
from emotion_slm.common.console import Advance, console, progress
from emotion_slm.training.batches import Rows, epoch_batches, steps_of
from emotion_slm.training.checkpoints import (
    SUFFIX,
    Checkpoint,
    last_checkpoint,
    read_state,
    write_checkpoint,
)
from emotion_slm.training.curve import Epoch, State, best
from emotion_slm.training.distributed import Tensors, forget_gathered, gather_into, join, snapshot
from emotion_slm.training.learner import OPTIMIZER, Learner, learning_rate_factor
from emotion_slm.training.losses import Loss
from emotion_slm.training.params import TrainingParams
from emotion_slm.training.validation import check_logits, check_step, measure, predict

BEST = "best"


class Training(NamedTuple):
    """The curve of a training, and the speed of its steps, all processes together.

    `averaged`: of how many trainings it is the mean, which is then the curve's last line.
    """

    curve: list[Epoch]
    samples_per_second: float
    averaged: int = 1


def train(
    model: nn.Module,
    loss: Loss,
    train_rows: Rows,
    validation_rows: Rows,
    params: TrainingParams,
    seed: int,
    folder: Path,
    on_epoch: Callable[[list[Epoch]], None] | None = None,
) -> Training:
    """Train `model` in place and leave it with the weights of its best epoch.

    Checkpoints under `folder`, and resumes from the last one there: on a CPU to the same bits as
    an uninterrupted run. `on_epoch` gets the curve so far, at the start and after every epoch; of
    several processes, the first calls it. Raises EmotionSlmError when a loss stops being a number
    or a checkpoint cannot be written.
    """
    run = _Run(Learner(model, loss, params, seed, join()), train_rows, validation_rows, folder)
    run.resume()
    shown = run.processes.rank == 0
    with progress("training", sum(map(len, run.plans)), shown) as advance:
        advance(run.state.step)
        report = on_epoch if on_epoch and shown else lambda curve: None
        report(run.state.curve)
        while not run.state.finished(params):
            run.steps(advance)
            run.validate()
            run.save()
            report(run.state.curve)
    gather_into(model, run.best)
    return Training(run.state.curve, run.samples / max(run.seconds, 1e-9))


class _Run:
    """A training under way: what is learnt, how far it has come, its best epoch's weights."""

    def __init__(self, learner: Learner, train_rows: Rows, validation_rows: Rows, folder: Path):
        self.learner = learner
        self.params = learner.params
        self.processes = learner.processes
        self.rows = train_rows
        self.validation_rows = validation_rows
        self.folder = folder
        self.state = State()
        self.best: Tensors = {}
        self.checkpoint: Path | None = None
        self.samples, self.seconds = 0, 0.0
        # Batches by step and epoch; with a token budget epochs differ in their number of steps.
        self.plans = [
            steps_of(
                epoch_batches(
                    train_rows.count, self.params, learner.seed, epoch, train_rows.lengths
                ),
                self.params.accumulation,
            )
            for epoch in range(self.params.epochs)
        ]

    def resume(self) -> None:
        self.checkpoint = last_checkpoint(self.folder)
        if self.checkpoint is None:
            return
        if self.processes.rank == 0:
            console.print(f"resuming from {self.checkpoint}", markup=False)
        content = read_state(self.checkpoint)
        self.learner.restore(self.checkpoint, content.pop(OPTIMIZER))
        self.state = State.from_json(content)
        if self.state.curve:
            self.best = read_tensors(self.checkpoint / f"{BEST}{SUFFIX}", self.learner.parameters)

    def save(self) -> None:
        tensors = self.learner.tensors() | ({BEST: self.best} if self.best else {})
        content = self.state.to_json() | {OPTIMIZER: self.learner.numbers()}
        if self.processes.rank == 0:
            checkpoint = Checkpoint(content, tensors)
            self.checkpoint = write_checkpoint(self.folder, self.state.step, checkpoint)

    def steps(self, advance: Advance) -> None:
        """What is left of the epoch that is under way."""
        plan = self.plans[self.state.epoch]
        self.learner.model.train()
        while self.state.steps_of_epoch < len(plan):
            self._step(plan[self.state.steps_of_epoch], advance)
            every = self.params.checkpoint_steps
            # The epoch's last step is saved after validation.
            if every and self.state.step % every == 0 and self.state.steps_of_epoch < len(plan):
                self.save()

    def _step(self, batches: list[np.ndarray], advance: Advance) -> None:
        started = time.monotonic()
        params, state = self.params, self.state
        factor = learning_rate_factor(
            params.schedule, state.step, sum(map(len, self.plans)), params.warmup_ratio
        )
        losses, norm = self.learner.gradients(self.rows, batches, state.step)
        check_step(losses, norm, batches, self.rows.ids, state.step + 1, self.checkpoint)
        self.learner.update(params.learning_rate * factor)
        rows = sum(map(len, batches))
        state.end_step(sum(losses), rows)
        self.samples += rows
        self.seconds += time.monotonic() - started
        advance(1, f"loss {state.train_loss:.4f}, lr {params.learning_rate * factor:.1e}")

    def validate(self) -> None:
        """End the epoch: its line of the curve, and its weights if they are the best so far."""
        learner, rows = self.learner, self.validation_rows
        logits = predict(learner.model, rows, self.params, self.processes)
        forget_gathered(learner.model)
        check_logits(logits, rows.ids, self.state.step, self.checkpoint)
        validation = measure(logits, rows.gold, learner.loss, rows.single)
        epoch = Epoch(self.state.epoch + 1, self.state.train_loss, *validation)
        self.state.end_epoch(epoch)
        self._tell(epoch)
        if self.state.improved(self.params):
            self.best = snapshot(learner.parameters)

    def _tell(self, epoch: Epoch) -> None:
        """One line per epoch where no bar shows how training goes: a log of a long job."""
        if self.processes.rank == 0 and not console.is_terminal:
            console.print(
                f"epoch {epoch.epoch} of {self.params.epochs}: loss {epoch.train_loss:.4f}, "
                f"validation loss {epoch.validation_loss:.4f}, mAP {epoch.validation_map:.4f}, "
                f"macro-F1 {epoch.validation_macro_f1:.4f}",
                markup=False,
                soft_wrap=True,
            )


def summary(training: Training, rows: int, params: TrainingParams, output: Path) -> str:
    """Rows, the epoch kept and its quality, speed, peak memory, and where the weights are."""
    kept = best(training.curve, params.selection)
    what = f"epoch {kept.epoch} of {len(training.curve)}"
    if training.averaged > 1:
        share = "the mean" if kept is training.curve[-1] else "one"
        what = f"{share} of {training.averaged} trainings"
    return (
        f"{rows:,} rows, {what} kept, validation mAP "
        f"{kept.validation_map:.3f}, {training.samples_per_second:,.0f} samples/s, "
        f"{peak_memory()} → {output}"
    )
