"""How far a training has come: its curve, epoch by epoch, and its state in a checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from emotion_slm.common.files import write_csv
from emotion_slm.training.params import TrainingParams


class Epoch(NamedTuple):
    """One line of a training curve."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_map: float
    validation_macro_f1: float  # at threshold 0.5; of one label a row by argmax


def write_curve(path: Path, curve: Sequence[Epoch]) -> None:
    """One row per epoch; a header alone when nothing was trained."""
    write_csv(path, Epoch._fields, [epoch._asdict() for epoch in curve])


def best(curve: Sequence[Epoch], selection: str) -> Epoch:
    """The epoch that was kept: the first with the highest validation `map` or `macro_f1`."""
    return max(curve, key=lambda epoch: getattr(epoch, f"validation_{selection}"))


@dataclass
class State:
    """Position in the training, the running loss, and the curve so far."""

    step: int = 0  # optimiser steps done
    steps_of_epoch: int = 0  # of them, in the epoch that is under way
    rows_of_epoch: int = 0
    loss_of_epoch: float = 0.0  # sum over its rows
    curve: list[Epoch] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curve)

    @property
    def train_loss(self) -> float:
        """Mean over the rows of the epoch that is under way."""
        return self.loss_of_epoch / max(1, self.rows_of_epoch)

    def finished(self, params: TrainingParams) -> bool:
        """Whether all epochs are done, or the last `patience` of them brought nothing better."""
        if self.epoch >= params.epochs:
            return True
        if params.patience is None or not self.curve:
            return False
        return self.epoch - best(self.curve, params.selection).epoch >= params.patience

    def improved(self, params: TrainingParams) -> bool:
        """Whether the last epoch is the best so far."""
        return best(self.curve, params.selection).epoch == self.epoch

    def end_step(self, loss: float, rows: int) -> None:
        self.step += 1
        self.steps_of_epoch += 1
        self.rows_of_epoch += rows
        self.loss_of_epoch += loss * rows

    def end_epoch(self, epoch: Epoch) -> None:
        self.curve.append(epoch)
        self.steps_of_epoch = self.rows_of_epoch = 0
        self.loss_of_epoch = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "State":
        return cls(**content | {"curve": [Epoch(*epoch) for epoch in content["curve"]]})
