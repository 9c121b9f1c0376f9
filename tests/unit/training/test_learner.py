import math

import pytest
import torch
from support.labels import LABELS
from torch import nn
from transformers import get_scheduler

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training.distributed import trained_parameters
from emotion_slm.training.learner import (
    build_optimizer,
    learning_rate_factor,
    parameter_groups,
)

THEIRS = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def decays(parameters: dict, groups: list[dict]) -> dict[str, float]:
    """Name → weight decay; every parameter is in exactly one group."""
    names = {id(weight): name for name, weight in parameters.items()}
    found = [
        (names[id(weight)], group["weight_decay"]) for group in groups for weight in group["params"]
    ]
    assert sorted(name for name, _ in found) == sorted(parameters)
    return dict(found)


@pytest.fixture
def bert_parameters(tiny_bert, encoder_params) -> dict[str, nn.Parameter]:
    return trained_parameters(
        build_encoder(encoder_params(tiny_bert), None, dropout=0.0, labels=LABELS)
    )


def test_matrices_decay_and_biases_and_norms_do_not(bert_parameters, training_params):
    groups = parameter_groups(bert_parameters, training_params(weight_decay=0.1))
    for name, decay in decays(bert_parameters, groups).items():
        exempt = name.endswith("bias") or "LayerNorm" in name
        assert decay == (0.0 if exempt else 0.1), name


def test_optimizers_by_name(training_params):
    weight = {"w": nn.Parameter(torch.zeros(2, 2))}
    plain = build_optimizer(weight, training_params())
    assert type(plain) is torch.optim.AdamW and plain.defaults["fused"]
    eight_bit = build_optimizer(weight, training_params(optimizer="adamw_8bit"))
    assert type(eight_bit).__name__ == "AdamW8bit"


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
