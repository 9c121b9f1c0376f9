import pytest
import torch
from torch import nn

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training.distributed import trained_parameters
from emotion_slm.training.optimizer import build_optimizer, parameter_groups


def by_name(parameters: dict, groups: list[dict]) -> dict[str, tuple[float, float]]:
    """Name → (factor, weight decay); every parameter is in exactly one group."""
    names = {id(weight): name for name, weight in parameters.items()}
    found = [
        (names[id(weight)], (group["factor"], group["weight_decay"]))
        for group in groups
        for weight in group["params"]
    ]
    assert sorted(name for name, _ in found) == sorted(parameters)
    return dict(found)


@pytest.fixture
def bert_parameters(tiny_bert, encoder_params) -> dict[str, nn.Parameter]:
    return trained_parameters(build_encoder(encoder_params(tiny_bert), None, dropout=0.0))


def test_matrices_decay_and_biases_and_norms_do_not(bert_parameters, training_params):
    groups = parameter_groups(bert_parameters, training_params(weight_decay=0.1))
    for name, (factor, decay) in by_name(bert_parameters, groups).items():
        exempt = name.endswith("bias") or "LayerNorm" in name
        assert decay == (0.0 if exempt else 0.1), name
        assert factor == 1.0


def test_optimizers_by_name(training_params):
    weight = {"w": nn.Parameter(torch.zeros(2, 2))}
    plain = build_optimizer(weight, training_params())
    assert type(plain) is torch.optim.AdamW and plain.defaults["fused"]
    eight_bit = build_optimizer(weight, training_params(optimizer="adamw_8bit"))
    assert type(eight_bit).__name__ == "AdamW8bit"
