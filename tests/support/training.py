"""Rows and models for tests of the training core."""

from pathlib import Path

import numpy as np
import torch

from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.training.batches import Rows
from support.labels import to_matrix


def collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}


def vector_rows(vectors: np.ndarray, gold: np.ndarray) -> Rows:
    return Rows(vectors, gold, [f"row-{index}" for index in range(len(gold))], collate)


def text_rows(frame, folder: Path) -> Rows:
    """A frame `id, text, labels`, by the tokenizer in `folder`."""
    tokenizer = Tokenizer(folder, 32)
    token_ids = tokenizer(frame["text"].tolist())
    lengths = np.array([len(ids) for ids in token_ids])
    return Rows(token_ids, to_matrix(frame["labels"]), frame["id"].tolist(), tokenizer.pad, lengths)


class Head(torch.nn.Module):
    """Dropout, then linear: a model that draws random numbers."""

    def __init__(self, dropout: float):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Dropout(dropout), torch.nn.Linear(32, 28))

    def forward(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layers(vectors)}


def head(dropout: float = 0.0) -> Head:
    """A linear head on 32-d vectors, always the same."""
    torch.manual_seed(1)
    return Head(dropout)


def disturb(model: torch.nn.Module) -> None:
    """Stand in for a training: move whatever may be trained, always by the same amounts."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same_weights(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
