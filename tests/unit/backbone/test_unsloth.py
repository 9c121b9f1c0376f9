"""The Unsloth loader, against a stand-in that records its arguments: Unsloth needs a GPU."""

import sys
import types

import pytest
import torch
from support.labels import LABELS
from transformers import AutoModelForImageTextToText

from emotion_slm.backbone import loading as backbone
from emotion_slm.backbone import machine
from emotion_slm.backbone.machine import OPTIONAL_PACKAGES, Machine
from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import build_encoder

LORA = LoraParams(r=4, alpha=8, dropout=0.0)


@pytest.fixture
def calls(monkeypatch) -> list[dict]:
    """Arguments of each FastModel.from_pretrained, on a machine with one large GPU."""
    found = []

    class FastModel:
        @staticmethod
        def from_pretrained(model_name, **options):
            found.append({"model_name": model_name, **options})
            model = AutoModelForImageTextToText.from_pretrained(model_name, dtype=options["dtype"])
            model.requires_grad_(False)  # as Unsloth does
            model.enable_input_require_grads()
            return model, None

    unsloth = types.ModuleType("unsloth")
    unsloth.FastModel = FastModel
    monkeypatch.setitem(sys.modules, "unsloth", unsloth)
    gpu = Machine(gpus=(79.2,), ram=128, packages=frozenset(OPTIONAL_PACKAGES))
    monkeypatch.setattr(machine, "probe", lambda: gpu)
    return found


@pytest.mark.parametrize("four_bit", [True, False])
def test_text_classifier_is_loaded_as_documented(calls, tiny_mistral3, encoder_params, four_bit):
    params = encoder_params(
        tiny_mistral3, loader="unsloth", four_bit=four_bit, pooling="last", max_length=24
    )
    model = build_encoder(params, LORA, 0.0, LABELS)
    assert calls == [
        {
            "model_name": str(tiny_mistral3),
            "max_seq_length": 24,
            "dtype": torch.bfloat16,
            "load_in_4bit": four_bit,
            "use_gradient_checkpointing": "unsloth",
            "trust_remote_code": False,
        }
    ]
    assert type(model.backbone).__name__ == "MistralModel"
    assert not any("vision" in name for name, _ in model.named_parameters())


def test_gradients_reach_every_adapter_and_nothing_else(calls, tiny_mistral3, encoder_params):
    params = encoder_params(tiny_mistral3, loader="unsloth", four_bit=True, pooling="last")
    model = build_encoder(params, LORA, 0.0, LABELS)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.3 * torch.randn_like(weight))
    tokens = {"input_ids": torch.tensor([[2, 4, 8]]), "attention_mask": torch.ones(1, 3).long()}
    model(**tokens).logits.pow(2).sum().backward()
    with_gradient = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert with_gradient == {name for name, w in model.named_parameters() if w.requires_grad}
    assert len(with_gradient) == 2 * 2 * 7 + 2  # adapters of two layers, and the head
    assert all(w.dtype == torch.float32 for w in model.parameters() if w.requires_grad)


def test_one_position_asks_for_the_published_length(calls, tiny_mistral3, backbone_params):
    params = OnePositionSlm(
        name="one_position",
        backbone=backbone_params(tiny_mistral3, loader="unsloth", four_bit=True),
        dropout=0.0,
        lora=LORA,
    )
    logits = build_classifier(params, 12, LABELS)(torch.randn(2, 12)).logits
    assert calls[0]["max_seq_length"] == 2
    assert logits.dtype == torch.float32 and torch.isfinite(logits).all()


def test_a_machine_that_does_not_fit_is_refused_before_anything_is_fetched(
    calls, tiny_mistral3, encoder_params, monkeypatch
):
    def no_download(_):
        raise AssertionError("weights were looked for")

    monkeypatch.setattr(machine, "probe", lambda: Machine((15.8,), 128, frozenset({"unsloth"})))
    monkeypatch.setattr(backbone, "locate", no_download)
    params = encoder_params(
        tiny_mistral3, loader="unsloth", four_bit=True, gpu_memory_gib=48.0, ram_gib=16.0
    )
    with pytest.raises(EmotionSlmError, match=r"48 GiB, found 15\.8 GiB.*bitsandbytes.*`minilm`"):
        build_encoder(params, LORA, 0.0, LABELS)
    assert calls == []
