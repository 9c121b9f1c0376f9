"""AdamW over the trained weights: groups by weight decay and by depth in the backbone."""

import re
from collections.abc import Mapping

import torch
from torch import nn

from emotion_slm.errors import EmotionSlmError
from emotion_slm.params.training import TrainingParams

FACTOR = "factor"  # a group's share of the learning rate, kept in the group
LAYER = re.compile(r"(?:^|\.)backbone\.(?:.*\.)?layers?\.(\d+)\.")
EMBEDDING = re.compile(r"(?:^|\.)backbone\..*embed")


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
    """Matrices decay, vectors (biases, norms) do not; a layer's factor follows its depth."""
    factors = _layer_factors(list(parameters), params.layer_decay)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in parameters.items():
        decay = params.weight_decay if weight.ndim > 1 else 0.0
        groups.setdefault((factors[name], decay), []).append(weight)
    return [
        {"params": weights, "weight_decay": decay, FACTOR: factor}
        for (factor, decay), weights in groups.items()
    ]


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group[FACTOR]


def _layer_factors(names: list[str], decay: float | None) -> dict[str, float]:
    """1 for heads and final norms, decay for the top layer, decay² below it, and so on down."""
    if decay is None:
        return dict.fromkeys(names, 1.0)
    layers = {name: int(found[1]) for name in names if (found := LAYER.search(name))}
    if not layers:
        raise EmotionSlmError(
            "layer_decay: none of the weights that train is in a layer of a backbone; "
            "leave the key out"
        )
    count = max(layers.values()) + 1
    factors = {}
    for name in names:
        if name in layers:
            factors[name] = decay ** (count - layers[name])
        else:
            factors[name] = decay ** (count + 1) if EMBEDDING.search(name) else 1.0
    return factors
