"""What is checked while a training goes on: validation after an epoch, and every loss.

Validation is computed in the arithmetic that scores the packaged model, float32: under bfloat16
autocast logits keep three digits and tie, and the mean average precision that picks the epoch would
depend on how ties are broken. A loss or gradient that is not a number ends a run before it reaches
the weights.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit, softmax
from torch import nn

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.ranking import macro_f1, mean_average_precision, most_probable
from emotion_slm.training.batches import Rows, ordered_batches
from emotion_slm.training.distributed import Processes
from emotion_slm.training.losses import Loss
from emotion_slm.training.params import TrainingParams


class Validation(NamedTuple):
    """An epoch's validation metrics; macro-F1 at threshold 0.5, of one label a row by argmax."""

    loss: float
    map: float
    macro_f1: float


def predict(
    model: nn.Module, rows: Rows, params: TrainingParams, processes: Processes
) -> np.ndarray:
    """(n, labels) float32 logits of `rows`, computed in evaluation mode and full precision."""
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
    logits = np.empty(rows.gold.shape, dtype=np.float32)
    parts = (np.concatenate(own_rows), np.concatenate(own_logits))
    for indices, values in processes.gather(parts):
        logits[indices] = values
    return logits


def measure(logits: np.ndarray, gold: np.ndarray, loss: Loss, single: bool = False) -> Validation:
    """Metrics of finite (n, labels) logits against (n, labels) gold labels.

    `single`: each row carries exactly one label.
    """
    value = loss(torch.from_numpy(logits), torch.from_numpy(gold.astype(np.float32)))
    raw = logits.astype(np.float64)
    probabilities = softmax(raw, axis=1) if single else expit(raw)
    return Validation(
        loss=float(value),
        map=mean_average_precision(gold, probabilities),
        macro_f1=macro_f1(gold, most_probable(probabilities) if single else probabilities),
    )


def check_step(
    losses: Sequence[float],
    gradient_norm: float,
    batches: Sequence[np.ndarray],
    ids: Sequence[str],
    step: int,
    checkpoint: Path | None,
) -> None:
    """EmotionSlmError if one of a step's losses, by batch, or its gradient is not finite.

    `step` counts from 1; `checkpoint` is the last good one.
    """
    for loss, rows in zip(losses, batches, strict=True):
        if not math.isfinite(loss):
            raise diverged(f"the loss is {loss} at step {step}", ids, rows, checkpoint)
    if not math.isfinite(gradient_norm):
        problem = f"the gradient's norm is {gradient_norm} at step {step}"
        raise diverged(problem, ids, np.concatenate(batches), checkpoint)


def check_logits(
    logits: np.ndarray, ids: Sequence[str], step: int, checkpoint: Path | None
) -> None:
    """EmotionSlmError if a validation row's logits, (n, labels), are not finite after `step`."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(bad):
        problem = f"validation logits are not finite after step {step}"
        raise diverged(problem, ids, bad, checkpoint)


def diverged(
    problem: str, ids: Sequence[str], rows: np.ndarray, checkpoint: Path | None
) -> EmotionSlmError:
    kept = f"the last good checkpoint is {checkpoint}" if checkpoint else "no checkpoint yet"
    return EmotionSlmError(
        f"training diverged: {problem}, rows {', '.join(ids[row] for row in rows)}; {kept}; "
        "lower the learning rate, use precision float32, or look at those rows"
    )
