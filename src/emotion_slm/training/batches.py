"""Rows to train on, and which of them make which batch.

The order is a function of seed and epoch alone, so a resumed run keeps it; the number of processes
has no part in it either: each batch is shared out among them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from emotion_slm.training.params import TrainingParams

POOL_BATCHES = 50  # rows are sorted by length within pools of about this many batches


def epoch_batches(
    rows: int, params: TrainingParams, seed: int, epoch: int, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
    """Row indices of each batch of `epoch`; every row is in exactly one batch.

    With `lengths`, (rows,), a batch holds rows of like length: little is padding (GoEmotions: 19
    tokens a text on average, 43 at most but for a handful), and the order stays random from epoch
    to epoch.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(rows)
    if lengths is None:
        return _cut(order, params.batch_size)
    pool = POOL_BATCHES * params.batch_size
    batches = [
        batch
        for chunk in np.split(order, range(pool, rows, pool))
        for batch in _by_length(chunk, lengths[chunk], params.batch_size)
    ]
    return [batches[index] for index in generator.permutation(len(batches))]


def ordered_batches(
    rows: int, params: TrainingParams, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
    """Every row once, in order, or from short to long where there are `lengths`."""
    order = np.arange(rows)
    if lengths is None:
        return _cut(order, params.batch_size)
    return _by_length(order, lengths, params.batch_size)


def steps_of(batches: list[np.ndarray], accumulation: int) -> list[list[np.ndarray]]:
    """Runs of `accumulation` batches, one per optimiser step; the last may be shorter."""
    return [batches[start : start + accumulation] for start in range(0, len(batches), accumulation)]


def _by_length(rows: np.ndarray, lengths: np.ndarray, size: int) -> list[np.ndarray]:
    return _cut(rows[np.argsort(lengths, kind="stable")], size)


def _cut(order: np.ndarray, size: int) -> list[np.ndarray]:
    return np.split(order, range(size, len(order), size))


class Rows(NamedTuple):
    """Features, gold labels and ids by row.

    `features`: n items; `gold`: (n, labels) int8; `collate`: features of a batch → model inputs;
    `lengths`: (n,) tokens per text, for features that batches should pad little; `single`: each
    row carries exactly one label.
    """

    features: Any
    gold: np.ndarray
    ids: Sequence[str]
    collate: Callable[[Any], dict[str, torch.Tensor]]
    lengths: np.ndarray | None = None
    single: bool = False

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
            self.single,
        )

    def batch(
        self, indices: np.ndarray, device: torch.device
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Model inputs and (n, labels) float32 labels of the rows at `indices`."""
        collated = self.collate(self._features(indices))
        inputs = {name: tensor.to(device) for name, tensor in collated.items()}
        return inputs, torch.from_numpy(self.gold[indices].astype(np.float32)).to(device)

    def _features(self, indices: np.ndarray) -> Any:
        if isinstance(self.features, np.ndarray):
            return self.features[indices]
        return [self.features[index] for index in indices]
