"""AdamW over the trained weights, its learning rate, and its state for checkpoints.

The rate is a function of the step, so nothing of it is checkpointed; the state is kept by the names
of the weights it belongs to.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require
from emotion_slm.training.distributed import sharded_like
from emotion_slm.training.params import TrainingParams

SEPARATOR = "|"  # of a weight's name and a key of its state


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
