"""Rows to train on or to validate with."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch


class Rows(NamedTuple):
    """Features, gold labels and ids by row.

    `features`: n items; `gold`: (n, 28) int8; `collate`: features of a batch → model inputs;
    `lengths`: (n,) tokens per text, for features that batches should pad little.
    """

    features: Any
    gold: np.ndarray
    ids: Sequence[str]
    collate: Callable[[Any], dict[str, torch.Tensor]]
    lengths: np.ndarray | None = None

    @property
    def count(self) -> int:
        return len(self.gold)

    def part(self, where: np.ndarray) -> "Rows":
        """The rows at the positions `where`, in that order."""
        return Rows(
            self._features(where),
            self.gold[where],
            [self.ids[index] for index in where],
            self.collate,
            None if self.lengths is None else self.lengths[where],
        )

    def batch(
        self, indices: np.ndarray, device: torch.device
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Model inputs and (n, 28) float32 labels of the rows at `indices`."""
        collated = self.collate(self._features(indices))
        inputs = {name: tensor.to(device) for name, tensor in collated.items()}
        return inputs, torch.from_numpy(self.gold[indices].astype(np.float32)).to(device)

    def _features(self, indices: np.ndarray) -> Any:
        if isinstance(self.features, np.ndarray):
            return self.features[indices]
        return [self.features[index] for index in indices]
