import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from emotion_slm.backbone import loading as module
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.lora import add_lora, freeze_embeddings
from emotion_slm.backbone.params import LoraParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json

LORA = LoraParams(r=4, alpha=8, dropout=0.0)
INPUTS = {"input_ids": torch.tensor([[2, 4, 8, 9]]), "attention_mask": torch.ones(1, 4).long()}
BERT_PROJECTIONS = {"query", "key", "value", "dense"}
MISTRAL_PROJECTIONS = {
    f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down")
}  # fmt: skip


@pytest.fixture
def folders(tiny_bert, tiny_mistral, tiny_mistral3) -> dict[str, Path]:
    return {"bert": tiny_bert, "mistral": tiny_mistral, "mistral3": tiny_mistral3}


def trainable(module: torch.nn.Module) -> set[str]:
    return {name for name, weight in module.named_parameters() if weight.requires_grad}


def adapted(module: torch.nn.Module) -> set[str]:
    """Last name of every projection that got adapters."""
    return {name.split(".lora_")[0].rsplit(".", 1)[1] for name in trainable(module)}


@pytest.mark.parametrize("kind", ["bert", "mistral", "mistral3"])
def test_weights_are_those_of_the_checkpoint(kind, folders, backbone_params):
    loaded = load_backbone(backbone_params(folders[kind]), 32)
    assert loaded.config.hidden_size == 32
    stored = load_file(folders[kind] / "model.safetensors")
    for name, weight in loaded.named_parameters():
        matches = [
            key for key in stored if key.endswith(name) and stored[key].shape == weight.shape
        ]
        assert any(torch.equal(stored[key], weight) for key in matches), name


@pytest.mark.parametrize("kind", ["bert", "mistral", "mistral3"])
def test_reads_tokens_and_single_positions(kind, folders, backbone_params):
    loaded = load_backbone(backbone_params(folders[kind]), 32)
    assert loaded(**INPUTS).last_hidden_state.shape == (1, 4, 32)
    position = torch.randn(3, 1, 32)
    hidden = loaded(
        inputs_embeds=position, attention_mask=torch.ones(3, 1).long()
    ).last_hidden_state
    assert hidden.shape == (3, 1, 32)
    assert hidden.dtype == torch.float32


def test_bert_has_no_pooler(tiny_bert, backbone_params):
    # Its weights would never get a gradient, and would be packaged.
    assert not any("pooler" in name for name, _ in _parameters(tiny_bert, backbone_params))


def test_only_the_text_tower_of_a_multimodal_model_is_kept(tiny_mistral3, backbone_params):
    loaded = load_backbone(backbone_params(tiny_mistral3), 32)
    assert type(loaded).__name__ == "MistralModel"
    names = [name for name, _ in loaded.named_parameters()]
    assert names and not any(
        word in name for name in names for word in ("vision", "projector", "lm_head")
    )


def test_decoder_comes_without_its_language_model_head(tiny_mistral, backbone_params):
    assert not any("lm_head" in name for name, _ in _parameters(tiny_mistral, backbone_params))


def _parameters(folder, backbone_params):
    return load_backbone(backbone_params(folder), 32).named_parameters()


@pytest.mark.parametrize(
    ("kind", "dropped"),
    [("bert", "encoder.layer.1.output.dense.weight"), ("mistral", "v_proj"), ("mistral3", "norm")],
)
def test_missing_weight_is_refused_by_name(kind, dropped, folders, tmp_path, backbone_params):
    folder = Path(shutil.copytree(folders[kind], tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    name = next(key for key in sorted(weights) if dropped in key and "vision" not in key)
    del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EmotionSlmError, match=r"lacks 1 weights") as error:
        load_backbone(backbone_params(folder), 32)
    assert name.removeprefix("model.").removeprefix("language_model.") in str(error.value)


def test_text_only_checkpoint_under_a_multimodal_config_is_refused(
    tiny_mistral, tiny_mistral3, tmp_path, backbone_params
):
    folder = Path(shutil.copytree(tiny_mistral3, tmp_path / "model"))
    shutil.copy(tiny_mistral / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(EmotionSlmError, match="lacks"):
        load_backbone(backbone_params(folder), 32)


@pytest.mark.parametrize("kind", ["bert", "mistral", "mistral3"])
@pytest.mark.parametrize("attend", [True, False])
def test_lora_adapts_the_expected_projections_and_freezes_the_rest(
    kind, attend, folders, backbone_params
):
    loaded = load_backbone(backbone_params(folders[kind]), 32)
    add_lora(loaded, LORA, attend)
    expected = BERT_PROJECTIONS if kind == "bert" else MISTRAL_PROJECTIONS
    if not attend:
        expected = expected - {"query", "key", "q_proj", "k_proj"}
    assert adapted(loaded) == expected
    assert all(".lora_" in name for name in trainable(loaded))
    # Every layer, both factors.
    per_layer = 6 if kind == "bert" else 7
    skipped = 0 if attend else 2
    assert len(trainable(loaded)) == 2 * 2 * (per_layer - skipped)


def test_fresh_lora_changes_nothing_and_trained_lora_does(tiny_bert, backbone_params):
    params = backbone_params(tiny_bert)
    plain, with_lora = load_backbone(params, 32), load_backbone(params, 32)
    add_lora(with_lora, LORA, attend=True)
    before = plain(**INPUTS).last_hidden_state
    torch.testing.assert_close(with_lora(**INPUTS).last_hidden_state, before)
    with torch.no_grad():
        for name, weight in with_lora.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)
    assert not torch.allclose(with_lora(**INPUTS).last_hidden_state, before, atol=1e-3)


def test_lora_rank_and_scale_come_from_params(tiny_bert, backbone_params):
    loaded = load_backbone(backbone_params(tiny_bert), 32)
    add_lora(loaded, LoraParams(r=3, alpha=12, dropout=0.0), attend=True)
    query = loaded.encoder.layer[0].attention.self.query
    assert query.lora_A["default"].weight.shape == (3, 32)
    assert query.scaling["default"] == 4.0


@pytest.mark.parametrize("kind", ["bert", "mistral", "mistral3"])
def test_freeze_embeddings_freezes_the_tables_alone(kind, folders, backbone_params):
    loaded = load_backbone(backbone_params(folders[kind]), 32)
    everything = trainable(loaded)
    freeze_embeddings(loaded)
    frozen = everything - trainable(loaded)
    if kind == "bert":
        assert frozen == {
            f"embeddings.{name}_embeddings.weight" for name in ("word", "position", "token_type")
        }
    else:
        assert frozen == {"embed_tokens.weight"}


@pytest.mark.parametrize(("vocabulary", "padding"), [(131_072, 11), (100, None)])
def test_mistral_s_text_model_is_told_what_it_pads_with(
    vocabulary, padding, tmp_path, backbone_params
):
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=vocabulary, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    assert config.pad_token_id is None
    MistralForCausalLM(config).save_pretrained(tmp_path)
    assert load_backbone(backbone_params(tmp_path), 8).config.pad_token_id == padding


def test_unsloth_without_a_gpu_is_refused_before_any_download(
    tiny_bert, backbone_params, monkeypatch
):
    def no_download(_):
        raise AssertionError("weights were looked for")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(module, "locate", no_download)
    params = backbone_params(tiny_bert, id="owner/huge-model", loader="unsloth", four_bit=True)
    with pytest.raises(EmotionSlmError, match=r"owner/huge-model.*CUDA GPU.*minilm"):
        load_backbone(params, 32)
    assert "unsloth" not in sys.modules


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_a_folder_without_a_known_configuration_is_named(
    content, tiny_bert, tmp_path, backbone_params
):
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    params = backbone_params(folder)
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_text(content)
    with pytest.raises(EmotionSlmError, match=r"model/config\.json: not the configuration of a"):
        load_backbone(params, 16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": 10**12}, "cannot load a model"),
        ({"hidden_size": 0}, "cannot load a model"),
        ({"hidden_size": "32"}, "not the configuration of a model"),
        ({"num_attention_heads": 7}, "cannot load a model"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: found 1000000000, expected no more"),
        ({"num_hidden_layers": 3}, "the checkpoint lacks"),
        ({"vocab_size": 10**12}, "cannot load a model"),
        ({"max_position_embeddings": 10**12}, "cannot load a model"),
        ({"intermediate_size": 10**12}, "cannot load a model"),
        ({"hidden_act": "magic"}, "cannot load a model"),
        ({"dtype": "magic"}, "not the configuration of a model"),
        ({"model_type": None}, "not the configuration of a model"),
        ({"model_type": "x", "auto_map": {"AutoModel": "a--b.C"}}, "not the configuration"),
    ],
    ids=str,
)
def test_a_base_whose_config_does_not_fit_its_weights_is_told(
    tiny_bert, tmp_path, backbone_params, changes, said
):
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "base"))
    write_json(folder / "config.json", read_json(folder / "config.json") | changes)
    with pytest.raises(EmotionSlmError, match=f"{folder}.*{said}"):
        load_backbone(backbone_params(folder), 32)


@pytest.mark.parametrize("keep", [0, 20, -1])
def test_weights_that_are_cut_off_are_told(tiny_bert, tmp_path, backbone_params, keep):
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "base"))
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EmotionSlmError, match="not a readable safetensors file"):
        load_backbone(backbone_params(folder), 32)
