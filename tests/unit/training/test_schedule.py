import math

import pytest
import torch
from transformers import get_scheduler

from emotion_slm.training.optimizer import learning_rate_factor

THEIRS = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


@pytest.mark.parametrize("schedule", THEIRS)
@pytest.mark.parametrize("warmup_ratio", [0.0, 0.05, 0.33])
def test_factors_are_those_of_transformers(schedule, warmup_ratio):
    total = 37
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_scheduler(
        THEIRS[schedule], optimizer, math.ceil(total * warmup_ratio), num_training_steps=total
    )
    for step in range(total):
        factor = learning_rate_factor(schedule, step, total, warmup_ratio)
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_one_step_is_taken_at_full_rate():
    for schedule in THEIRS:
        assert learning_rate_factor(schedule, 0, 1, 0.0) == 1.0
