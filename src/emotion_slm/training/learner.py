"""One optimiser step, and everything a checkpoint must restore for the next one to be the same.

AdamW moves the trained weights. Its learning rate is a function of the step, so nothing of it is
checkpointed; its state is kept by the names of the weights it belongs to.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from emotion_slm.backbone.device import has_bfloat16
from emotion_slm.backbone.tensors import read_tensors
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require
from emotion_slm.common.seeds import child_seed
from emotion_slm.training.batches import Rows
from emotion_slm.training.checkpoints import SUFFIX
from emotion_slm.training.distributed import (
    Processes,
    assign,
    is_sharded,
    sharded_like,
    snapshot,
    trained_parameters,
    whole,
)
from emotion_slm.training.losses import Loss
from emotion_slm.training.params import TrainingParams

TRAINED, OPTIMIZER = "trained", "optimizer"
SEPARATOR = "|"  # of a weight's name and a key of its state


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


def build_optimizer(
    parameters: Mapping[str, nn.Parameter], params: TrainingParams
) -> torch.optim.Optimizer:
    """The optimiser of `params`; the caller sets the learning rate before each step."""
    groups = parameter_groups(parameters, params)
    if params.optimizer == "adamw_8bit":
        from bitsandbytes.optim import AdamW8bit

        return AdamW8bit(groups, lr=params.learning_rate)
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=True)


def parameter_groups(
    parameters: Mapping[str, nn.Parameter], params: TrainingParams
) -> list[dict[str, object]]:
    """Matrices decay, vectors (biases, norms) do not."""
    groups: dict[float, list[nn.Parameter]] = {}
    for weight in parameters.values():
        decay = params.weight_decay if weight.ndim > 1 else 0.0
        groups.setdefault(decay, []).append(weight)
    return [{"params": weights, "weight_decay": decay} for decay, weights in groups.items()]


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def split_optimizer(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state's tensors and its plain numbers, each named `parameter|key`."""
    tensors, numbers = {}, {}
    for name, weight in parameters.items():
        for key, value in optimizer.state[weight].items():
            kind = tensors if isinstance(value, torch.Tensor) else numbers
            kind[f"{name}{SEPARATOR}{key}"] = value
    return tensors, numbers


def read_optimizer(
    path: Path,
    numbers: Mapping[str, Any],
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
) -> None:
    """Give `optimizer` the state that `split_optimizer` took apart.

    Raises EmotionSlmError when a weight has no state in it, or a state no weight.
    """
    try:
        tensors = load_file(require(path))
    except SafetensorError as error:
        raise EmotionSlmError(f"{path}: not a readable safetensors file ({error})") from error
    states: dict[str, dict[str, Any]] = {}
    for label, value in {**tensors, **numbers}.items():
        name, key = label.rsplit(SEPARATOR, 1)
        states.setdefault(name, {})[key] = value
    for name in sorted(states.keys() ^ parameters.keys()):
        side = "is missing" if name in parameters else "has no place in the model"
        raise EmotionSlmError(f"{path}: the optimiser's state of {name} {side}")
    for name, weight in parameters.items():
        optimizer.state[weight] = {
            key: _placed(value, weight) if isinstance(value, torch.Tensor) else value
            for key, value in states[name].items()
        }


def _placed(value: torch.Tensor, weight: nn.Parameter) -> torch.Tensor:
    """On the weight's device, and in its shards if it has the weight's shape."""
    return sharded_like(value, weight) if value.shape == weight.shape else value.to(weight.device)


def learning_rate_factor(schedule: str, step: int, total: int, warmup_ratio: float) -> float:
    """Factor on the learning rate at `step` (from 0) of `total`.

    It rises linearly over the first `warmup_ratio` of the steps, then stays (`constant`), or falls
    to zero in a line (`linear`) or half a cosine (`cosine`).
    """
    warmup = math.ceil(total * warmup_ratio)
    if step < warmup:
        return step / warmup
    if schedule == "constant":
        return 1.0
    progress = (step - warmup) / max(1, total - warmup)
    if schedule == "linear":
        return max(0.0, 1.0 - progress)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))
