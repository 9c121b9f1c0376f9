"""Losses on raw logits, computed in float32 whatever the precision of the model."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from emotion_slm.corpus.labels import LabelSet
from emotion_slm.training.params import (
    AsymmetricLoss,
    BceLoss,
    CrossEntropyLoss,
    FocalLoss,
    check_loss,
)

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def build_loss(
    params: BceLoss | FocalLoss | AsymmetricLoss | CrossEntropyLoss,
    labels: LabelSet,
    gold: np.ndarray | None = None,
) -> Loss:
    """The loss `params` describes: (n, labels) logits and gold in {0, 1} → scalar mean.

    `gold`: that of the rows to be trained on, which balanced class weights are made of.
    EmotionSlmError for a loss that does not fit how many labels a row carries.
    """
    check_loss(params.name, labels.single)
    if isinstance(params, CrossEntropyLoss):
        weights = torch.ones(len(labels))
        if params.class_weights == "balanced":
            weights = balanced_weights(gold)
        return lambda logits, gold: cross_entropy(
            logits, gold, weights.to(logits.device), params.focusing, params.smoothing
        )
    if isinstance(params, FocalLoss):
        alpha = torch.tensor(
            [
                params.alpha_targets if label in labels.targets else params.alpha_rest
                for label in labels.names
            ]
        )
        return lambda logits, gold: focal(logits, gold, alpha.to(logits.device), params.gamma)
    if isinstance(params, AsymmetricLoss):
        return lambda logits, gold: asymmetric(
            logits, gold, params.gamma_positive, params.gamma_negative, params.clip
        )
    return binary_cross_entropy


def binary_cross_entropy(logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy over all entries."""
    return F.binary_cross_entropy_with_logits(logits.float(), gold.float())


def focal(
    logits: torch.Tensor, gold: torch.Tensor, alpha: torch.Tensor, gamma: float
) -> torch.Tensor:
    """Focal loss (Lin et al. 2017, eq. 5) per label: α_t (1 − p_t)^γ (−log p_t), mean.

    `alpha`: (labels,) weight of a label's positives; its negatives weigh 1 − α.
    """
    logits, gold = logits.float(), gold.float()
    signed = logits * (2 * gold - 1)  # p_t = σ(signed)
    alpha_t = alpha * gold + (1 - alpha) * (1 - gold)
    return (-alpha_t * torch.sigmoid(-signed) ** gamma * F.logsigmoid(signed)).mean()


def asymmetric(
    logits: torch.Tensor,
    gold: torch.Tensor,
    gamma_positive: float,
    gamma_negative: float,
    clip: float,
) -> torch.Tensor:
    """Asymmetric loss (Ridnik et al. 2021, eq. 7), mean over all entries.

    Negatives are judged on the shifted probability max(σ(x) − clip, 0): easy ones cost nothing.
    """
    logits, gold = logits.float(), gold.float()
    positive = torch.sigmoid(-logits) ** gamma_positive * F.logsigmoid(logits)
    if clip > 0:
        shifted = (torch.sigmoid(logits) - clip).clamp(min=0)
        log_rest = torch.log1p(-shifted)
    else:
        shifted = torch.sigmoid(logits)
        log_rest = F.logsigmoid(-logits)
    negative = shifted**gamma_negative * log_rest
    return -(gold * positive + (1 - gold) * negative).mean()


def cross_entropy(
    logits: torch.Tensor,
    gold: torch.Tensor,
    weights: torch.Tensor,
    focusing: float,
    smoothing: float,
) -> torch.Tensor:
    """Softmax cross-entropy of rows with exactly one label, mean over the rows.

    `weights`: (labels,), of each row by its label. `focusing`: γ of the factor (1 − p)^γ, p the
    probability of the label (Lin et al. 2017). `smoothing`: the share of the target that all labels
    get alike (Szegedy et al. 2016).
    """
    logits, gold = logits.float(), gold.float()
    logs = F.log_softmax(logits, dim=1)
    target = (1 - smoothing) * gold + smoothing / gold.shape[1]
    surprise = -(target * logs).sum(dim=1)  # (n,)
    if focusing > 0:
        p = (logs * gold).sum(dim=1).exp()
        surprise = (1 - p) ** focusing * surprise
    return ((gold @ weights) * surprise).mean()


def balanced_weights(gold: np.ndarray) -> torch.Tensor:
    """(labels,) float32 n / (labels · rows of the label) of (n, labels) gold; 1 for one without."""
    rows = gold.sum(axis=0, dtype=np.int64)
    weights = len(gold) / (gold.shape[1] * np.maximum(rows, 1))
    return torch.from_numpy(np.where(rows > 0, weights, 1.0)).float()
