"""Validation after an epoch, in the arithmetic that scores the shipped model: float32.

Under bfloat16 autocast logits keep three digits and tie, and the mean average precision that picks
the epoch would depend on how ties are broken.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import nn

from emotion_slm.evaluation.ranking import macro_f1, mean_average_precision
from emotion_slm.labels import LABELS
from emotion_slm.model.losses import Loss
from emotion_slm.params.training import TrainingParams
from emotion_slm.training.batches import ordered_batches
from emotion_slm.training.distributed import Processes
from emotion_slm.training.rows import Rows


class Validation(NamedTuple):
    """An epoch's validation metrics; macro-F1 at threshold 0.5."""

    loss: float
    map: float
    macro_f1: float


def predict(
    model: nn.Module, rows: Rows, params: TrainingParams, processes: Processes
) -> np.ndarray:
    """(n, 28) float32 logits of `rows`, computed in evaluation mode and full precision."""
    own_rows, own_logits = [], []
    model.eval()
    with torch.no_grad():
        for batch in ordered_batches(rows.count, params, rows.lengths):
            share = processes.share(batch)
            # A process without a row of its own still takes part in the others' exchanges.
            inputs, _ = rows.batch(share if len(share) else batch[:1], processes.device)
            computed = model(**inputs)["logits"].float().cpu().numpy()
            own_rows.append(share)
            own_logits.append(computed[: len(share)])
    logits = np.empty((rows.count, len(LABELS)), dtype=np.float32)
    parts = (np.concatenate(own_rows), np.concatenate(own_logits))
    for indices, values in processes.gather(parts):
        logits[indices] = values
    return logits


def measure(logits: np.ndarray, gold: np.ndarray, loss: Loss) -> Validation:
    """Metrics of finite (n, 28) logits against (n, 28) gold labels."""
    value = loss(torch.from_numpy(logits), torch.from_numpy(gold.astype(np.float32)))
    probabilities = expit(logits.astype(np.float64))
    return Validation(
        loss=float(value),
        map=mean_average_precision(gold, probabilities),
        macro_f1=macro_f1(gold, probabilities),
    )
