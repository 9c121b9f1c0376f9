"""Stage embed: one vector per distinct text of the corpus."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer


def distinct_texts(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Distinct texts in order of first appearance, and for each input its position among them."""
    position: dict[str, int] = {}
    rows = np.array([position.setdefault(text, len(position)) for text in texts], dtype=np.int64)
    return list(position), rows


def by_length(token_ids: Sequence[np.ndarray], batch_size: int) -> list[np.ndarray]:
    """Row numbers, (≤ batch_size,) int64 per batch, of texts sorted by length, longest first."""
    order = np.argsort([-len(ids) for ids in token_ids], kind="stable")
    return np.split(order, range(batch_size, len(order), batch_size))


def embed(
    texts: Sequence[str],
    model: TextClassifier,
    tokenizer: Tokenizer,
    batch_size: int,
    advance: Callable[[float], None],
) -> np.ndarray:
    """Texts → (n, d) float32 vectors, in order; batches are cut from texts sorted by length.

    `advance` is called with the number of texts done after each batch.
    """
    token_ids = tokenizer(list(texts))
    device = next(model.parameters()).device
    vectors = np.empty((len(texts), model.head.in_features), dtype=np.float32)
    with torch.inference_mode():
        for batch in by_length(token_ids, batch_size):
            inputs = tokenizer.pad([token_ids[index] for index in batch])
            inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
            vectors[batch] = model.encode(**inputs).cpu().numpy()
            advance(len(batch))
    return vectors
