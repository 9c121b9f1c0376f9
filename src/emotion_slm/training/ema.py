"""Exponential moving average of the trained weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class MovingAverage:
    """average ← decay · average + (1 − decay) · weights, after every step."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float):
        self.parameters = parameters
        self.decay = decay
        self.tensors = {name: weight.detach().clone() for name, weight in parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        averages, weights = list(self.tensors.values()), list(self.parameters.values())
        torch._foreach_lerp_(averages, weights, 1 - self.decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average inside the block, and its own weights again after it."""
        raw = {name: weight.detach().clone() for name, weight in self.parameters.items()}
        self._copy(self.tensors)
        try:
            yield
        finally:
            self._copy(raw)

    @torch.no_grad()
    def _copy(self, tensors: Mapping[str, torch.Tensor]) -> None:
        for name, weight in self.parameters.items():
            weight.copy_(tensors[name])
