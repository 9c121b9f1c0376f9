"""What an arm changes: parameters that the library has, and a few things that it has not."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.training.losses import Loss


class Arm(NamedTuple):
    """An ingredient by name, and the settings that differ from the profile's."""

    name: str
    seeds: list[int] = [0]  # noqa: RUF012 a NamedTuple's default is never written to
    training: Mapping[str, Any] = {}
    loss: Mapping[str, Any] | None = None
    lora: Mapping[str, Any] | None = None
    head: str | None = None
    pooling: str | None = None
    dropout_samples: int = 1
    smoothing: float = 0.0
    correlation: float = 0.0
    r_drop: float = 0.0
    teachers: int = 0
    cross_fitted: bool = False
    trained_embeddings: bool = False


def settings(
    arm: Arm, encoder: EncoderParams, adapt: AdaptParams, shared: Mapping[str, Any]
) -> tuple[EncoderParams, AdaptParams]:
    """The profile's encoder and adapt sections with what the protocol and the arm change."""
    content = adapt.model_dump() | {"soup": None}  # an arm is one training
    content["training"] |= {**shared, **arm.training}
    changes = {"loss": arm.loss, "lora": arm.lora, "head": arm.head}
    content |= {name: value for name, value in changes.items() if value is not None}
    pooling = arm.pooling or encoder.pooling
    return encoder.model_copy(update={"pooling": pooling}), AdaptParams(**content)


def targets(arm: Arm, gold: np.ndarray) -> np.ndarray:
    """(n, 28) float32 targets of train: gold, smoothed, or spread to labels that go with it.

    Smoothing: 1 − ε and ε. Correlation: gold + c · max over a row's labels of P(label | that one),
    at most 1, the conditional frequencies counted on train.
    """
    soft = gold.astype(np.float64)
    if arm.correlation:
        together = soft.T @ soft  # (28, 28) rows that have both
        given = together / np.maximum(np.diag(together)[:, None], 1)  # P(column | row)
        np.fill_diagonal(given, 0)
        spread = (soft[:, :, None] * given[None]).max(axis=1)  # (n, 28)
        soft = np.minimum(soft + arm.correlation * spread, 1)
    return (soft * (1 - 2 * arm.smoothing) + arm.smoothing).astype(np.float32)


class ManyDropouts(TextClassifier):
    """Multi-sample dropout (Inoue 2019): in training, `samples` masks of one vector, stacked."""

    samples = 4

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor):
        """In training `.logits` are (samples · n, 28), sample by sample."""
        if not self.training:
            return super().forward(input_ids, attention_mask)
        vectors = self.encode(input_ids, attention_mask)
        logits = [self.head(self.dropout(vectors)) for _ in range(self.samples)]
        return {"logits": torch.cat(logits)}


class TwoPasses(TextClassifier):
    """R-Drop's two passes: in training every text is read twice, under different dropout."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor):
        """In training `.logits` are (2n, 28), one pass after the other."""
        if not self.training:
            return super().forward(input_ids, attention_mask)
        return super().forward(input_ids.repeat(2, 1), attention_mask.repeat(2, 1))


def reading(arm: Arm, model: TextClassifier) -> nn.Module:
    """`model` with the forward pass and the trained weights of the arm."""
    if arm.trained_embeddings:
        model.get_input_embeddings().requires_grad_(True)
    if arm.dropout_samples > 1:
        model.__class__ = ManyDropouts
        model.samples = arm.dropout_samples
    if arm.r_drop:
        model.__class__ = TwoPasses
    return model


def objective(arm: Arm, loss: Loss) -> Loss:
    """The arm's loss on what `reading` returns: gold is repeated as often as rows were read."""

    def repeated(logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
        times = len(logits) // len(gold)
        value = loss(logits, gold.repeat(times, 1))
        if arm.r_drop and times == 2:
            value = value + arm.r_drop * divergence(*logits.chunk(2))
        return value

    return repeated


def divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Half the symmetric Kullback-Leibler divergence of two passes' Bernoullis, mean over entries.

    R-Drop (Liang et al. 2021, eq. 3) for independent labels: Σ (p − q)(logit p − logit q) / 2.
    """
    return ((torch.sigmoid(first) - torch.sigmoid(second)) * (first - second)).mean() / 2
