"""An optimiser's state by the names of the weights it belongs to, for checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import require
from emotion_slm.training.weights import sharded_like

SEPARATOR = "|"


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
