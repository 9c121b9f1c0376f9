"""Texts as token ids, and batches of them padded to their longest member."""

from pathlib import Path

import numpy as np
import torch


class Tokenizer:
    """The backbone's own fast tokenizer, padding on the right, truncating at `max_length`."""

    def __init__(self, folder: Path, max_length: int):
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        self.max_length = max_length
        # Any id does: padded positions are masked. Decoders often define no padding token.
        self.pad_id = self.tokenizer.pad_token_id or 0

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        """Token ids per text, each (tokens,) int64, unpadded."""
        encoded = self.tokenizer(texts, truncation=True, max_length=self.max_length)
        return [np.asarray(ids, dtype=np.int64) for ids in encoded["input_ids"]]

    def pad(self, rows: list[np.ndarray]) -> dict[str, torch.Tensor]:
        """Rows of token ids → input_ids and attention_mask, (n, longest), padded on the right."""
        longest = max(1, *(len(row) for row in rows))  # a text may have no token at all
        input_ids = np.full((len(rows), longest), self.pad_id, dtype=np.int64)
        attention_mask = np.zeros((len(rows), longest), dtype=np.int64)
        for index, row in enumerate(rows):
            input_ids[index, : len(row)] = row
            attention_mask[index, : len(row)] = 1
        return {
            "input_ids": torch.from_numpy(input_ids),
            "attention_mask": torch.from_numpy(attention_mask),
        }
