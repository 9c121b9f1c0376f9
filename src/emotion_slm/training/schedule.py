"""The learning rate over a training: a function of the step, so nothing of it is checkpointed."""

import math


def learning_rate_factor(schedule: str, step: int, total: int, warmup_ratio: float) -> float:
    """Factor on the learning rate at `step` (from 0) of `total`.

    It rises linearly over the first `warmup_ratio` of the steps, then stays (`constant`), or falls
    to zero in a line (`linear`) or half a cosine (`cosine`).
    """
    warmup = math.ceil(total * warmup_ratio)
    if step < warmup:
        return step / warmup
    if schedule == "constant":
        return 1.0
    progress = (step - warmup) / max(1, total - warmup)
    if schedule == "linear":
        return max(0.0, 1.0 - progress)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))
