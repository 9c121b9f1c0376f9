"""A loss or gradient that is not a number ends a run before it reaches the weights."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion_slm.errors import EmotionSlmError


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
    """EmotionSlmError if a validation row's logits, (n, 28), are not finite after `step`."""
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
