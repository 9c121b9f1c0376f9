"""Token ids cut into batches and padded, in numpy: ONNX exports are scored without torch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Tokenizes(Protocol):
    """What `embed` and ONNX graphs need of a tokenizer."""

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        """Token ids per text, each (tokens,) int64, unpadded."""

    def pad(self, rows: list[np.ndarray]) -> dict[str, Any]:
        """What `pad` gives, as numpy arrays or as tensors."""


def by_length(token_ids: Sequence[np.ndarray], batch_size: int) -> list[np.ndarray]:
    """Row numbers, (≤ batch_size,) int64 per batch, of texts sorted by length, longest first."""
    order = np.argsort([-len(ids) for ids in token_ids], kind="stable")
    return np.split(order, range(batch_size, len(order), batch_size))


def pad(rows: Sequence[np.ndarray], pad_id: int) -> dict[str, np.ndarray]:
    """Rows of token ids → input_ids and attention_mask, (n, longest) int64, padded on the right."""
    longest = max(1, *(len(row) for row in rows))  # a text may have no token at all
    input_ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    attention_mask = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        input_ids[index, : len(row)] = row
        attention_mask[index, : len(row)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}
