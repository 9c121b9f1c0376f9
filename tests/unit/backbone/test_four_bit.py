"""4-bit backbones by transformers and bitsandbytes, on a CPU: the code path of several GPUs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from support.labels import LABELS
from support.training import disturb
from transformers import Mistral3Config, Mistral3ForConditionalGeneration

from emotion_slm.backbone import loading
from emotion_slm.backbone.four_bit import prepare
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import (
    WEIGHTS,
    Finetuned,
    load_classifier,
    logits,
    write_finetuned,
)
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.encoder.adapted import (
    ENCODER,
    build_encoder,
    load_encoder,
    read_adapted,
    write_adapted,
)
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import TextClassifier

LORA = LoraParams(r=4, alpha=8, dropout=0.0)
TOKENS = {
    "input_ids": torch.tensor([[2, 4, 8, 9, 3], [2, 5, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}


@pytest.fixture(scope="module")
def wide_mistral3(tmp_path_factory) -> Path:
    """Folder of a random Mistral3, wide enough for 4 bits: narrower layers cannot be quantised."""
    folder = tmp_path_factory.mktemp("wide-mistral3")
    torch.manual_seed(0)
    config = Mistral3Config(
        text_config={
            "model_type": "mistral",
            "vocab_size": 40,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "intermediate_size": 128,
            "max_position_embeddings": 64,
            "initializer_range": 0.2,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 32,
            "intermediate_size": 64,
            "image_size": 28,
            "patch_size": 14,
        },
        image_token_index=5,
    )
    Mistral3ForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def quantised(wide_mistral3, tmp_path_factory) -> Path:
    """Folder of the same in 4 bits but for a feed-forward part, as repositories of such are: that
    part is named as an older transformers called it."""
    options = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["lm_head", "model.language_model.layers.1.mlp"],
    )
    model = transformers.AutoModelForImageTextToText.from_pretrained(
        wide_mistral3,
        dtype=torch.bfloat16,
        quantization_config=options,
        attn_implementation=loading.ATTENTION,
    )
    folder = tmp_path_factory.mktemp("quantised")
    model.save_pretrained(folder)
    config = read_json(folder / "config.json")
    config["quantization_config"]["llm_int8_skip_modules"] = [
        "lm_head", "multi_modal_projector", "vision_tower", "language_model.model.layers.1.mlp",
    ]  # fmt: skip
    write_json(folder / "config.json", config | {"transformers_version": "4.51.3"})
    prepare(model.model.language_model, folder)  # computed without repacking, as it is here
    torch.save(hidden(model.model.language_model), folder / "hidden.pt")
    return folder


def hidden(module: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module.eval()(**TOKENS).last_hidden_state.float()


@pytest.fixture(scope="module")
def params(wide_mistral3, encoder_params) -> EncoderParams:
    return encoder_params(wide_mistral3, four_bit=True, pooling="last")


@pytest.fixture
def model(params) -> TextClassifier:
    torch.manual_seed(0)
    return build_encoder(params, LORA, 0.0, LABELS)


def test_projections_are_quantised_and_adapters_are_float32(model):
    layer = model.backbone.layers[0].self_attn.q_proj
    assert layer.base_layer.weight.quant_state.quant_type == "nf4"
    assert layer.base_layer.weight.quant_state.nested  # double quantisation
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    assert {weight.dtype for weight in trainable} == {torch.float32}
    assert len(trainable) == 2 * 2 * 7 + 2


def test_gradients_are_the_same_after_an_evaluation_and_reach_every_adapter(model):
    # bitsandbytes repacks weights when it evaluates on some processors, and loses gradients.
    def gradients() -> dict[str, torch.Tensor]:
        model.zero_grad()
        model.train()(**TOKENS).logits.pow(2).sum().backward()
        return {name: w.grad.clone() for name, w in model.named_parameters() if w.requires_grad}

    disturb(model)
    before = gradients()
    with torch.no_grad():
        model.eval()(**TOKENS)
    after = gradients()
    for name, gradient in before.items():
        assert gradient.abs().sum() > 0, name
        assert torch.equal(after[name], gradient), name


def test_repacking_is_off_in_every_quantised_layer(model):
    flags = [
        module.support_avx512bf16_for_cpu
        for module in model.modules()
        if hasattr(module, "support_avx512bf16_for_cpu")
    ]
    assert len(flags) == 2 * 7 and not any(flags)


def test_activations_are_recomputed_in_training_and_reading_works_as_ever(model):
    assert all(layer.gradient_checkpointing for layer in model.backbone.layers)
    model.eval()
    with torch.inference_mode():
        vectors = model.encode(**TOKENS)
    with torch.no_grad():
        assert torch.equal(model.encode(**TOKENS), vectors)
    assert vectors.dtype == torch.float32 and not vectors.requires_grad


def test_saved_adapters_give_the_same_vectors_over_a_new_load(model, params, tmp_path):
    disturb(model)
    write_adapted(tmp_path, model, LORA, "00")
    loaded = load_encoder(params, read_adapted(tmp_path), tmp_path / ENCODER)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.copy_(weight.half().float())
        assert torch.equal(loaded.encode(**TOKENS), model.eval().encode(**TOKENS))


@pytest.mark.parametrize("prefix", ["none", "bos"])
def test_one_position_trains_and_reloads(wide_mistral3, backbone_params, prefix, tmp_path):
    params = OnePositionSlm(
        name="one_position",
        prefix=prefix,
        backbone=backbone_params(wide_mistral3, four_bit=True),
        dropout=0.0,
        lora=LORA,
    )
    model = build_classifier(params, 12, LABELS)
    disturb(model)
    vectors = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32)
    model(torch.from_numpy(vectors)).logits.pow(2).sum().backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name
    finetuned = Finetuned(params, 12, LABELS)
    write_finetuned(tmp_path, model, finetuned)
    loaded = load_classifier(finetuned, tmp_path / WEIGHTS)
    np.testing.assert_allclose(
        logits(loaded, vectors), logits(model.eval(), vectors), atol=0.05, rtol=0.05
    )


def test_a_checkpoint_in_four_bits_computes_what_it_did(quantised, backbone_params):
    loaded = load_backbone(backbone_params(quantised, four_bit=True), 32)
    first, second = loaded.layers
    assert first.mlp.up_proj.weight.quant_state.quant_type == "nf4"
    assert second.self_attn.q_proj.weight.quant_state.quant_type == "nf4"
    assert type(second.mlp.up_proj) is torch.nn.Linear
    assert second.mlp.up_proj.weight.dtype == torch.bfloat16
    expected = torch.load(quantised / "hidden.pt", weights_only=True)
    assert torch.equal(hidden(loaded), expected)


def test_adapters_over_a_checkpoint_in_four_bits_are_trained_saved_and_loaded(
    quantised, encoder_params, tmp_path
):
    params = encoder_params(quantised, four_bit=True, pooling="last")
    torch.manual_seed(0)
    model = build_encoder(params, LORA, 0.0, LABELS)
    disturb(model)
    model.train()(**TOKENS).logits.pow(2).sum().backward()
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    assert len(trained) == 2 * 2 * 7 + 2
    assert all(weight.grad.abs().sum() > 0 for weight in trained.values())
    write_adapted(tmp_path, model, LORA, "00")
    loaded = load_encoder(params, read_adapted(tmp_path), tmp_path / ENCODER)
    with torch.no_grad():
        for weight in trained.values():
            weight.copy_(weight.half().float())
        assert torch.equal(loaded.encode(**TOKENS), model.eval().encode(**TOKENS))


def test_a_checkpoint_in_four_bits_is_not_taken_for_another(quantised, backbone_params):
    with pytest.raises(EmotionSlmError, match=rf"{quantised}: the weights are in 4 bits; set"):
        load_backbone(backbone_params(quantised), 32)


@pytest.mark.parametrize("quantisation", [{"quant_method": "fp8"}, {"quant_method": None}])
def test_another_precision_is_refused_by_name(
    quantisation, wide_mistral3, backbone_params, tmp_path
):
    folder = Path(shutil.copytree(wide_mistral3, tmp_path / "fp8"))
    config = read_json(folder / "config.json") | {"quantization_config": quantisation}
    write_json(folder / "config.json", config)
    with pytest.raises(EmotionSlmError, match=r"fp8: the weights are quantised \(.*16 bits"):
        load_backbone(backbone_params(folder, four_bit=True), 32)


def test_a_full_layer_is_never_read_as_packed(quantised, backbone_params, monkeypatch):
    """What becomes of a checkpoint whose own list of full layers is believed."""
    monkeypatch.setattr(loading, "name_full_layers", lambda config, folder: None)
    with pytest.raises(EmotionSlmError, match=r"layers\.1\.mlp\.\w+ of the checkpoint is not in 4"):
        load_backbone(backbone_params(quantised, four_bit=True), 32)


@pytest.mark.parametrize(
    "cast",
    [
        lambda model: model.half(),
        lambda model: model.bfloat16(),
        lambda model: model.float(),
        lambda model: model.to(torch.float16),
        lambda model: model.to("cpu", dtype=torch.float16),
    ],
)
def test_packed_weights_are_never_cast(cast, model):
    with pytest.raises(EmotionSlmError, match="4-bit backbone computes in bfloat16"):
        cast(model)
    assert model.to("cpu") is model


def test_a_whole_save_is_refused(model, tmp_path):
    with pytest.raises(EmotionSlmError, match="4-bit backbone is not saved whole"):
        model.save_pretrained(tmp_path / "whole")
    assert not (tmp_path / "whole").exists()
