"""One optimiser step, and everything a checkpoint must restore for the next one to be the same."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from emotion_slm.backbone.device import has_bfloat16
from emotion_slm.backbone.tensors import read_tensors
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.seeds import child_seed
from emotion_slm.training.batches import Rows
from emotion_slm.training.checkpoints import SUFFIX
from emotion_slm.training.distributed import (
    Processes,
    assign,
    is_sharded,
    snapshot,
    trained_parameters,
    whole,
)
from emotion_slm.training.losses import Loss
from emotion_slm.training.optimizer import (
    build_optimizer,
    read_optimizer,
    set_learning_rate,
    split_optimizer,
)
from emotion_slm.training.params import TrainingParams

TRAINED, OPTIMIZER = "trained", "optimizer"


class Learner:
    """A model with its loss and optimiser."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        params: TrainingParams,
        seed: int,
        processes: Processes,
    ):
        optimizer = build_optimizer(trained_parameters(model), params)
        self.model, self.optimizer = processes.prepare(model, optimizer)
        self.parameters = trained_parameters(model)
        if params.optimizer == "adamw_8bit" and is_sharded(self.parameters):
            raise EmotionSlmError("optimizer adamw_8bit cannot be sharded by FSDP; use adamw")
        self.loss = loss
        self.params = params
        self.seed = seed
        self.processes = processes
        self.autocast = params.precision == "bfloat16" and has_bfloat16()

    def gradients(
        self, rows: Rows, batches: list[np.ndarray], step: int
    ) -> tuple[list[float], float]:
        """Fill the gradients from `batches`; the loss each contributes and the clipped-from norm.

        Every row weighs the same, whatever the sizes of the batches. Dropout's random numbers are
        a function of seed and step, so no generator's state has to be kept.
        """
        processes = self.processes
        seed = child_seed(self.seed, f"step {step}, process {processes.rank}")
        if processes.device.type == "cpu":
            # torch.manual_seed would keep a seed for every kind of accelerator, with a traceback,
            # at each step: memory that grows, and a tenth of the time of a small step.
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)
        total = sum(map(len, batches))
        parts = []
        for batch in batches[:-1]:
            with processes.accumulating(self.model):
                parts.append(self._backward(rows, batch, total))
        parts.append(self._backward(rows, batches[-1], total))
        norm = torch.nn.utils.clip_grad_norm_(
            list(self.parameters.values()), self.params.max_grad_norm
        )
        # One transfer from the device tells both the losses and the norm.
        summed = processes.sum(torch.stack(parts))
        *losses, length = torch.cat([summed, whole(norm).to(summed).reshape(1)]).tolist()
        return losses, length

    def _backward(self, rows: Rows, batch: np.ndarray, total: int) -> torch.Tensor:
        processes = self.processes
        share = processes.share(batch)
        inputs, gold = rows.batch(share if len(share) else batch[:1], processes.device)
        with torch.autocast(processes.device.type, torch.bfloat16, enabled=self.autocast):
            logits = self.model(**inputs)["logits"]
        part = self.loss(logits.float(), gold) * (len(share) / total)
        (part * processes.count).backward()  # processes average their gradients
        return part.detach().float()

    def update(self, learning_rate: float) -> None:
        """Move the weights along the gradients."""
        set_learning_rate(self.optimizer, learning_rate)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """What a checkpoint keeps, by file."""
        optimizer, _ = split_optimizer(self.optimizer, self.parameters)
        return {TRAINED: snapshot(self.parameters), OPTIMIZER: snapshot(optimizer)}

    def numbers(self) -> dict[str, object]:
        return split_optimizer(self.optimizer, self.parameters)[1]

    def restore(self, checkpoint: Path, numbers: dict[str, object]) -> None:
        """Continue from `checkpoint`; EmotionSlmError if its tensors are not this model's."""
        trained = read_tensors(checkpoint / f"{TRAINED}{SUFFIX}", self.parameters)
        assign(self.parameters, trained)
        read_optimizer(
            checkpoint / f"{OPTIMIZER}{SUFFIX}", numbers, self.optimizer, self.parameters
        )
