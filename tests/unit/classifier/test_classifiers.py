import numpy as np
import pytest
import torch
from support.labels import LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import (
    Finetuned,
    load_classifier,
    logits,
    read_finetuned,
    write_finetuned,
)
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm

WIDTH = 12  # of the vectors; the backbones' is 32
KINDS = ["linear", "mlp", "bert", "mistral", "mistral3"]
SLMS = KINDS[2:]


@pytest.fixture
def params_of(tiny_bert, tiny_mistral, tiny_mistral3, backbone_params):
    """Function: kind → parameters of a classifier."""
    folders = {"bert": tiny_bert, "mistral": tiny_mistral, "mistral3": tiny_mistral3}

    def make(kind: str):
        if kind == "linear":
            return LinearHead(name="linear")
        if kind == "mlp":
            return MlpHead(name="mlp", hidden=16, dropout=0.5)
        return OnePositionSlm(
            name="one_position",
            backbone=backbone_params(folders[kind]),
            dropout=0.1,
            lora=LoraParams(r=4, alpha=8, dropout=0.0),
        )

    return make


@pytest.fixture
def build(params_of):
    def make(kind: str) -> torch.nn.Module:
        torch.manual_seed(0)
        return build_classifier(params_of(kind), WIDTH, LABELS).eval()

    return make


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(1))


def wake_adapters(model: torch.nn.Module) -> None:
    """Fresh adapters are the identity; give them the weights of trained ones."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))


def perturb(model: torch.nn.Module, parts: tuple[str, ...]) -> int:
    touched = 0
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if set(name.split(".")) & set(parts):
                weight.add_(0.5 * torch.randn_like(weight))
                touched += 1
    return touched


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_in_logits_out(kind, build, vectors):
    found = build(kind)(vectors)
    assert set(found) == {"logits"}
    assert found["logits"].shape == (5, len(LABELS))
    assert torch.isfinite(found["logits"]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_influence_each_other(kind, build, vectors):
    model = build(kind)
    together = model(vectors)["logits"]
    alone = torch.cat([model(row[None])["logits"] for row in vectors])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-4)


def test_linear_head_is_one_linear_layer(build, vectors):
    model = build("linear")
    layer = model.layers[0]
    torch.testing.assert_close(model(vectors)["logits"], vectors @ layer.weight.T + layer.bias)
    assert sum(weight.numel() for weight in model.parameters()) == (WIDTH + 1) * len(LABELS)


def test_mlp_head_drops_out_in_training_only(build, vectors):
    model = build("mlp")
    assert torch.equal(model(vectors)["logits"], model(vectors)["logits"])
    model.train()
    assert not torch.equal(model(vectors)["logits"], model(vectors)["logits"])


@pytest.mark.parametrize("kind", SLMS)
def test_query_and_key_cannot_influence_one_position_but_value_can(kind, build, vectors):
    model = build(kind)
    wake_adapters(model)
    with torch.no_grad():
        before = model(vectors)["logits"]
        assert perturb(model, ("query", "key", "q_proj", "k_proj")) >= 4
        torch.testing.assert_close(model(vectors)["logits"], before, atol=1e-6, rtol=0)
        assert perturb(model, ("value", "v_proj")) >= 2
        assert not torch.allclose(model(vectors)["logits"], before, atol=1e-3)


@pytest.mark.parametrize("kind", SLMS)
def test_what_training_may_change(kind, build):
    model = build(kind)
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert not any(part in name for name in names for part in ("query", "key", "q_proj", "k_proj"))
    backbone = {name for name in names if name.startswith("backbone.")}
    assert backbone and all(".lora_" in name for name in backbone)
    assert {name.split(".")[0] for name in names} == {"projection", "backbone", "output"}


@pytest.mark.parametrize("kind", SLMS)
def test_gradient_reaches_every_trainable_tensor(kind, build, vectors):
    model = build(kind)
    wake_adapters(model)
    model(vectors)["logits"].pow(2).sum().backward()
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None and weight.grad.abs().sum() > 0, name
        else:
            assert weight.grad is None, name


@pytest.mark.parametrize("kind", SLMS)
def test_published_projection_narrows_then_widens(kind, build):
    first, _, second = build(kind).projection
    assert (first.in_features, first.out_features) == (WIDTH, 16)
    assert (second.in_features, second.out_features) == (16, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_classifier_gives_the_logits_of_the_rounded_one(
    kind, build, params_of, vectors, tmp_path
):
    model = build(kind)
    if kind in SLMS:
        wake_adapters(model)
    write_finetuned(tmp_path, model, Finetuned(params_of(kind), WIDTH, LABELS))
    finetuned = read_finetuned(tmp_path)
    assert finetuned == Finetuned(params_of(kind), WIDTH, LABELS)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.copy_(weight.half().float())
        expected = model(vectors)["logits"].numpy()
    torch.manual_seed(99)  # nothing random may survive loading
    loaded = load_classifier(finetuned, tmp_path / "classifier.safetensors")
    np.testing.assert_array_equal(logits(loaded, vectors.numpy()), expected)
    assert not loaded.training


def test_logits_do_not_depend_on_the_batch_size(build):
    model = build("mlp")
    vectors = np.random.default_rng(0).normal(size=(23, WIDTH)).astype(np.float32)
    whole = logits(model, vectors)
    assert whole.shape == (23, len(LABELS)) and whole.dtype == np.float32
    for batch_size in (1, 7, 23, 24):
        np.testing.assert_allclose(logits(model, vectors, batch_size), whole, atol=1e-5)
    assert logits(model, vectors[:0]).shape == (0, len(LABELS))
