"""Every architecture under a plain optimiser: it can learn, and only what it should."""

import pytest
import torch
from safetensors.torch import load_file
from support.labels import LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.backbone.tensors import save_trained
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training.losses import binary_cross_entropy

WIDTH = 24
ROWS = 16
LORA = LoraParams(r=4, alpha=8, dropout=0.0)
HEADS = ["linear", "mlp"]
ADAPTED = [
    "one_position-bert", "one_position-mistral", "one_position-mistral3",
    "text-bert-lora", "text-mistral-lora", "text-mistral3-lora",
]  # fmt: skip
FULL = ["text-bert", "text-mistral"]


@pytest.fixture(scope="module")
def build(tiny_bert, tiny_mistral, tiny_mistral3, backbone_params, encoder_params):
    """Function: kind → a fresh model."""
    folders = {"bert": tiny_bert, "mistral": tiny_mistral, "mistral3": tiny_mistral3}

    def make(kind: str) -> torch.nn.Module:
        torch.manual_seed(0)
        if kind == "linear":
            return build_classifier(LinearHead(name="linear"), WIDTH, LABELS)
        if kind == "mlp":
            return build_classifier(MlpHead(name="mlp", hidden=16, dropout=0.0), WIDTH, LABELS)
        name, backbone, *lora = kind.split("-")
        if name == "one_position":
            backbone = backbone_params(folders[backbone])
            head = OnePositionSlm(name=name, backbone=backbone, dropout=0.0, lora=LORA)
            return build_classifier(head, WIDTH, LABELS)
        pooling = "mean" if backbone == "bert" else "last"
        encoder = encoder_params(folders[backbone], pooling=pooling)
        return build_encoder(encoder, LORA if lora else None, 0.0, LABELS)

    return make


@pytest.fixture(scope="module")
def rows():
    """Function: kind → model inputs and multi-label gold of sixteen random rows."""

    def make(kind: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        generator = torch.Generator().manual_seed(3)
        gold = (torch.rand(ROWS, len(LABELS), generator=generator) < 0.15).float()
        if not kind.startswith("text"):
            return {"vectors": torch.randn(ROWS, WIDTH, generator=generator)}, gold
        tokens = torch.randint(4, 40, (ROWS, 6), generator=generator)
        lengths = 3 + torch.arange(ROWS) % 4
        mask = (torch.arange(6) < lengths[:, None]).long()
        return {"input_ids": tokens * mask, "attention_mask": mask}, gold

    return make


def steps(
    model: torch.nn.Module, inputs: dict, gold: torch.Tensor, count: int, rate: float
) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)
    model.train()
    for _ in range(count):
        optimiser.zero_grad()
        binary_cross_entropy(model(**inputs)["logits"], gold).backward()
        optimiser.step()


@pytest.mark.parametrize("kind", [*HEADS, *ADAPTED, *FULL])
def test_sixteen_rows_are_learnt_by_heart(kind, build, rows):
    model = build(kind)
    inputs, gold = rows(kind)
    steps(model, inputs, gold, 200, 1e-2 if kind not in FULL else 3e-3)
    with torch.no_grad():
        found = (model.eval()(**inputs)["logits"] > 0).float()
    assert torch.equal(found, gold)  # F1 of 1, whatever the average


@pytest.mark.parametrize("kind", [*ADAPTED, *FULL])
def test_frozen_parts_do_not_move_by_a_bit_and_the_others_all_do(kind, build, rows):
    model = build(kind)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    inputs, gold = rows(kind)
    steps(model, inputs, gold, 3, 1e-3)
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    same = {name for name, w in model.named_parameters() if torch.equal(w, before[name])}
    assert same == frozen != set()
    assert any("embed" in name for name in frozen)
    if kind in ADAPTED:
        assert any("base_layer" in name for name in frozen)


@pytest.mark.parametrize("kind", ADAPTED)
def test_file_of_an_adapted_model_holds_its_adapters_and_head_alone(kind, build, tmp_path):
    model = build(kind)
    path = tmp_path / "trained.safetensors"
    save_trained(model, path)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    payload = sum(2 * tensor.numel() for tensor in load_file(path).values())
    assert payload == 2 * trained  # float16
    assert payload <= path.stat().st_size < payload + 16_384  # names and shapes
    assert not any("base_layer" in name or "embed" in name for name in load_file(path))


def test_adapters_of_a_real_size_are_a_small_part_of_the_model():
    # Mistral-Small's shape, on no device: 40 layers, hidden 5120, rank 16.
    from transformers import MistralConfig

    from emotion_slm.classifier.one_position import OnePositionClassifier, OnePositionConfig

    mistral = MistralConfig(
        vocab_size=131_072,
        hidden_size=5120,
        num_hidden_layers=40,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        intermediate_size=32_768,
    )
    lora = LoraParams(r=16, alpha=32, dropout=0.0).model_dump()
    with torch.device("meta"):
        model = OnePositionClassifier(OnePositionConfig(backbone=mistral, lora=lora, width=384))
    total = sum(weight.numel() for weight in model.parameters())
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert total > 22e9
    assert trained < 0.005 * total
