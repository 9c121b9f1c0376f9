import pytest
import torch
from torch import nn

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.errors import EmotionSlmError
from emotion_slm.params.backbone import LoraParams
from emotion_slm.training.optimizer import build_optimizer, parameter_groups, set_learning_rate
from emotion_slm.training.weights import trained_parameters


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


def test_layer_decay_by_hand_on_two_layers(bert_parameters, training_params):
    groups = parameter_groups(bert_parameters, training_params(layer_decay=0.5))
    expected = {"head.": 1.0, "layer.1.": 0.5, "layer.0.": 0.25, "embeddings.": 0.125}
    for name, (factor, _) in by_name(bert_parameters, groups).items():
        (part,) = (part for part in expected if part in name)
        assert factor == expected[part], name


def test_layer_decay_of_adapters_in_a_decoder(tiny_mistral, encoder_params, training_params):
    lora = LoraParams(r=2, alpha=4, dropout=0.0)
    model = build_encoder(encoder_params(tiny_mistral, pooling="last"), lora, dropout=0.0)
    parameters = trained_parameters(model)
    groups = parameter_groups(parameters, training_params(layer_decay=0.5))
    for name, (factor, _) in by_name(parameters, groups).items():
        expected = 0.5 if "layers.1." in name else 0.25 if "layers.0." in name else 1.0
        assert factor == expected, name


def test_layer_decay_needs_layers(training_params):
    # A head's own numbered layers are not those of a backbone.
    parameters = {"layers.0.weight": nn.Parameter(torch.zeros(2, 2))}
    with pytest.raises(EmotionSlmError, match="layer_decay: none of the weights"):
        parameter_groups(parameters, training_params(layer_decay=0.5))


def test_learning_rate_is_set_by_factor(bert_parameters, training_params):
    optimizer = build_optimizer(bert_parameters, training_params(layer_decay=0.5))
    set_learning_rate(optimizer, 0.08)
    assert {group["lr"] / group["factor"] for group in optimizer.param_groups} == {0.08}
    assert min(group["lr"] for group in optimizer.param_groups) == 0.01


def test_optimizers_by_name(training_params):
    weight = {"w": nn.Parameter(torch.zeros(2, 2))}
    plain = build_optimizer(weight, training_params())
    assert type(plain) is torch.optim.AdamW and plain.defaults["fused"]
    eight_bit = build_optimizer(weight, training_params(optimizer="adamw_8bit"))
    assert type(eight_bit).__name__ == "AdamW8bit"
