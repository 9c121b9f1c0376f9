"""Training rows cut into epochs of equal length, so that every arm makes the same steps."""

import numpy as np
import torch

from emotion_slm.training.batches import Rows


class Stream:
    """What the training loop takes for rows: `size` places per epoch, filled from shuffled passes.

    The place that comes up for the v-th time holds the row that stands there in epoch v, so an
    epoch goes on in the pass over `rows` where the one before stopped. It counts the visits: one
    stream serves one uninterrupted training.
    """

    lengths = None

    def __init__(self, rows: Rows, size: int, epochs: int, seed: int):
        random = np.random.default_rng(seed)
        passes = -(-size * epochs // rows.count)
        order = np.concatenate([random.permutation(rows.count) for _ in range(passes)])
        self.count = size
        self.ids = range(size)
        self._rows = rows
        self._order = order[: size * epochs].reshape(epochs, size)
        self._visits = np.zeros(size, dtype=np.int64)

    def batch(
        self, indices: np.ndarray, device: torch.device
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """As `Rows.batch`, for places instead of rows."""
        rows = self._order[self._visits[indices], indices]
        self._visits[indices] += 1
        return self._rows.batch(rows, device)
