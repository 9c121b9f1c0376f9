"""One position after BOS: two keys, of which a token that never changes is the first."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from support.labels import LABELS
from support.training import disturb

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import (
    CONFIG,
    WEIGHTS,
    Finetuned,
    load_classifier,
    logits,
    read_finetuned,
    write_finetuned,
)
from emotion_slm.classifier.one_position import OnePositionClassifier
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import checked

WIDTH = 12
VECTORS = np.linspace(-1, 1, 4 * WIDTH, dtype=np.float32).reshape(4, WIDTH)
LORA = LoraParams(r=4, alpha=8, dropout=0.0)
ATTENTION = {"q_proj", "k_proj"}
OTHERS = {"v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture(scope="module")
def slm(tiny_mistral, backbone_params):
    """Function: prefix → parameters of the classifier."""

    def make(prefix: str) -> OnePositionSlm:
        return OnePositionSlm(
            name="one_position",
            prefix=prefix,
            backbone=backbone_params(tiny_mistral),
            dropout=0.0,
            lora=LORA,
        )

    return make


@pytest.fixture
def build(slm):
    """Function: prefix → a classifier whose adapters are no longer the identity."""

    def make(prefix: str) -> OnePositionClassifier:
        torch.manual_seed(0)
        model = build_classifier(slm(prefix), WIDTH, LABELS)
        disturb(model)
        return model.eval()

    return make


@pytest.mark.parametrize(("prefix", "adapted"), [("none", OTHERS), ("bos", OTHERS | ATTENTION)])
def test_query_and_key_have_adapters_where_there_are_two_keys(prefix, adapted, build):
    names = [name.split(".") for name, _ in build(prefix).named_parameters()]
    assert {name[-4] for name in names if "lora_A" in name} == adapted


def test_after_bos_query_and_key_matter_and_learn(build):
    model = build("bos")
    vectors = torch.from_numpy(VECTORS)
    model(vectors).logits.pow(2).sum().backward()
    before = model(vectors).logits.detach()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ATTENTION & set(name.split(".")):
                assert weight.requires_grad == (".lora_" in name), name
                assert not weight.requires_grad or weight.grad.abs().max() > 1e-5, name
                weight.add_(0.5 * torch.randn_like(weight))
        assert (model(vectors).logits - before).abs().max() > 1e-3


def test_the_input_is_bos_then_the_vector_and_nothing_is_masked(build):
    model = build("bos")
    found = model.positions(torch.from_numpy(VECTORS))
    token = model.backbone.config.bos_token_id
    expected = model.backbone.embed_tokens.weight[token].expand(4, -1)
    assert torch.equal(found["inputs_embeds"][:, 0], expected)
    assert torch.equal(found["inputs_embeds"][:, 1], model.projection(torch.from_numpy(VECTORS)))
    assert found["inputs_embeds"].shape[1] == 2 and found["attention_mask"].tolist() == [[1, 1]] * 4


def test_bos_is_as_it_was_after_a_step(build):
    model = build("bos").train()
    before = model.backbone.embed_tokens.weight.clone()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    model(torch.from_numpy(VECTORS)).logits.pow(2).sum().backward()
    optimiser.step()
    assert torch.equal(model.backbone.embed_tokens.weight, before)


def test_what_is_written_is_read_with_its_prefix(slm, build, tmp_path):
    model = build("bos")
    write_finetuned(tmp_path, model, Finetuned(slm("bos"), WIDTH, LABELS))
    found = read_finetuned(tmp_path)
    assert found.classifier == slm("bos")
    loaded = load_classifier(found, tmp_path / WEIGHTS)
    np.testing.assert_allclose(logits(loaded, VECTORS), logits(model, VECTORS), atol=0.02)


@pytest.mark.parametrize(
    ("written", "read", "problem"),
    [("none", "bos", "is missing"), ("bos", "none", "has no place in the model")],
)
def test_weights_of_the_other_prefix_are_refused(written, read, problem, slm, build, tmp_path):
    write_finetuned(tmp_path, build(written), Finetuned(slm(written), WIDTH, LABELS))
    with pytest.raises(EmotionSlmError, match=rf"[qk]_proj.*{problem}"):
        load_classifier(Finetuned(slm(read), WIDTH, LABELS), tmp_path / WEIGHTS)


def test_a_classifier_of_before_there_was_a_prefix_has_none(slm, build, tmp_path):
    write_finetuned(tmp_path, build("none"), Finetuned(slm("none"), WIDTH, LABELS))
    assert "prefix" not in json.loads((tmp_path / CONFIG).read_text())["classifier"]
    assert read_finetuned(tmp_path).classifier == slm("none")
    build("none").save_pretrained(tmp_path / "whole")
    edit(tmp_path / "whole/config.json", lambda config: config.pop("prefix"))
    loaded = OnePositionClassifier.from_pretrained(tmp_path / "whole")
    np.testing.assert_array_equal(logits(loaded, VECTORS), logits(build("none"), VECTORS))


def test_an_unknown_prefix_is_refused(slm, build, tmp_path):
    content = slm("bos").model_dump() | {"prefix": "cls"}
    with pytest.raises(EmotionSlmError, match=r"params\.yaml: prefix: .*'none' or 'bos'"):
        checked(OnePositionSlm, content, Path("params.yaml"))
    build("bos").save_pretrained(tmp_path)
    edit(tmp_path / "config.json", lambda config: config.update(prefix="cls"))
    with pytest.raises(EmotionSlmError, match="prefix: found 'cls', expected one of none, bos"):
        OnePositionClassifier.from_pretrained(tmp_path)


@pytest.mark.parametrize("token", [None, -1, 10_000])
def test_a_backbone_without_a_first_token_is_refused(
    token, tiny_mistral, slm, backbone_params, tmp_path
):
    folder = Path(shutil.copytree(tiny_mistral, tmp_path / "decoder"))
    edit(folder / "config.json", lambda config: config.update(bos_token_id=token))
    params = slm("bos").model_copy(update={"backbone": backbone_params(folder)})
    with pytest.raises(EmotionSlmError, match=r"decoder: its config.json names .*bos_token_id"):
        build_classifier(params, WIDTH, LABELS)


def edit(path: Path, change) -> None:
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
