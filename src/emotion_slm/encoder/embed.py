"""Stage embed: one vector per distinct text of the corpus."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.encoder.tokens import Tokenizes, by_length


def distinct_texts(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Distinct texts in order of first appearance, and for each input its position among them."""
    position: dict[str, int] = {}
    rows = np.array([position.setdefault(text, len(position)) for text in texts], dtype=np.int64)
    return list(position), rows


def embed(
    texts: Sequence[str],
    model: TextClassifier,
    tokenizer: Tokenizes,
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
            inputs = {name: torch.as_tensor(part).to(device) for name, part in inputs.items()}
            vectors[batch] = model.encode(**inputs).cpu().numpy()
            advance(len(batch))
    return vectors
