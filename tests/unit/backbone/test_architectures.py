"""Encoders and decoders beyond BERT and Mistral: loaded, adapted and read from alike."""

from pathlib import Path

import pytest
import torch
import transformers
from support.labels import LABELS

from emotion_slm.backbone.loading import load_backbone, positions
from emotion_slm.backbone.lora import add_lora
from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import build_encoder

SIZES = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 20,
}
# RoBERTa numbers positions from the one after its padding index: 20 of them need 22 rows.
ROBERTA = SIZES | {"max_position_embeddings": 22, "pad_token_id": 1, "type_vocab_size": 1}
DISTILBERT = {
    "vocab_size": 40,
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 20,
}
DECODER = SIZES | {"num_key_value_heads": 2}
# What each is saved as, its config, and how many projections per layer LoRA adapts: all, and those
# that are not queries or keys.
ARCHITECTURES = {
    "roberta": ("RobertaForMaskedLM", ROBERTA, 6, 4),
    "roberta-with-pooler": ("RobertaModel", ROBERTA, 6, 4),
    "xlm-roberta": ("XLMRobertaForMaskedLM", ROBERTA, 6, 4),
    "distilbert": ("DistilBertForMaskedLM", DISTILBERT, 6, 4),
    "modernbert": (
        "ModernBertForMaskedLM",
        SIZES
        | {
            "pad_token_id": 0,
            "bos_token_id": 2,
            "local_attention": 8,
            "global_attn_every_n_layers": 2,
        },
        4,
        3,
    ),
    "electra": ("ElectraForPreTraining", SIZES | {"embedding_size": 32}, 6, 4),
    "llama": ("LlamaForCausalLM", DECODER, 7, 5),
    "qwen2": ("Qwen2ForCausalLM", DECODER, 7, 5),
    "qwen3": ("Qwen3ForCausalLM", DECODER | {"head_dim": 8}, 7, 5),
    "gemma2": ("Gemma2ForCausalLM", DECODER | {"head_dim": 8}, 7, 5),
}
LEARNT_POSITIONS = {"roberta", "roberta-with-pooler", "xlm-roberta", "distilbert", "electra"}
NAMES_NO_BOS = {"distilbert", "electra", "qwen2", "qwen3"}  # in its config
FUSED = {"modernbert"}  # query, key and value in one projection
LORA = LoraParams(r=2, alpha=4, dropout=0.0)

# Token ids that are no architecture's padding, but where the mask says so.
TOKENS = {
    "input_ids": torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 1, 1, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]]),
}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Function: architecture → folder of a tiny random model."""
    root = tmp_path_factory.mktemp("architectures")

    def make(name: str) -> Path:
        if not (root / name).exists():
            class_name, sizes, *_ = ARCHITECTURES[name]
            model_class = getattr(transformers, class_name)
            torch.manual_seed(0)
            config = model_class.config_class(**sizes, initializer_range=0.2)
            model_class(config).save_pretrained(root / name)
        return root / name

    return make


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_loads_whole_and_without_pooler_or_head(name, folder_of, backbone_params):
    loaded = load_backbone(backbone_params(folder_of(name)), 20)
    names = [name for name, _ in loaded.named_parameters()]
    assert names and not any(part in name for name in names for part in ("pooler", "lm_head"))
    assert loaded.config.hidden_size == 32
    assert loaded(**TOKENS).last_hidden_state.shape == (2, 6, 32)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_adapters_go_into_every_projection_known(name, folder_of, backbone_params):
    *_, with_attention, without = ARCHITECTURES[name]
    for attend, per_layer in ((True, with_attention), (False, without)):
        loaded = load_backbone(backbone_params(folder_of(name)), 20)
        add_lora(loaded, LORA, attend)
        trainable = [name for name, weight in loaded.named_parameters() if weight.requires_grad]
        assert all(".lora_" in name for name in trainable)
        assert len(trainable) == 2 * 2 * per_layer  # two layers, two factors


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_vector_of_a_text_does_not_depend_on_its_padding(name, folder_of, encoder_params):
    pooling = "mean" if name in LEARNT_POSITIONS | FUSED else "last"
    params = encoder_params(folder_of(name), pooling=pooling, max_length=20)
    model = build_encoder(params, LORA, 0.0, LABELS).eval()
    with torch.no_grad():
        together = model.encode(**TOKENS)
        alone = model.encode(**{name: tensor[1:, :3] for name, tensor in TOKENS.items()})
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-2


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - FUSED))
def test_one_position_does_not_depend_on_query_and_key(name, folder_of, backbone_params):
    params = OnePositionSlm(
        name="one_position", backbone=backbone_params(folder_of(name)), dropout=0.0, lora=LORA
    )
    model = build_classifier(params, 12, LABELS).eval()
    vectors = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    touched = 0
    with torch.no_grad():
        before = model(vectors).logits
        for name, weight in model.backbone.named_parameters():
            if set(name.split(".")) & {"query", "key", "q_lin", "k_lin", "q_proj", "k_proj"}:
                weight.copy_(torch.randn_like(weight))
                assert not weight.requires_grad
                touched += 1
        torch.testing.assert_close(model(vectors).logits, before, atol=1e-6, rtol=0)
    assert touched >= 4
    assert before.std(0).max() > 1e-2


class Token(torch.nn.Module):
    """Stands for the projection: (n, width) vectors → (n, H), one token's embedding each."""

    def __init__(self, embeddings: torch.nn.Embedding, token: int):
        super().__init__()
        self.embeddings, self.token = embeddings, token

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.embeddings(torch.full((len(vectors),), self.token))


def after_bos(backbone) -> OnePositionSlm:
    return OnePositionSlm(
        name="one_position", prefix="bos", backbone=backbone, dropout=0.0, lora=LORA
    )


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - NAMES_NO_BOS))
def test_after_bos_a_vector_is_read_as_a_token_in_its_place_is(name, folder_of, backbone_params):
    params = after_bos(backbone_params(folder_of(name)))
    model = build_classifier(params, 12, LABELS).eval()
    model.projection = Token(model.backbone.get_input_embeddings(), 7)
    bos = model.backbone.config.bos_token_id
    with torch.no_grad():
        hidden = model.backbone(input_ids=torch.tensor([[bos, 7]])).last_hidden_state
        found = model(torch.zeros(3, 12)).logits
    torch.testing.assert_close(found, model.output(hidden[:, 1]).expand(3, -1))
    assert not torch.allclose(found[:1], model.output(hidden[:, 0]), atol=1e-3)


@pytest.mark.parametrize("name", sorted(NAMES_NO_BOS))
def test_a_prefix_that_the_model_does_not_name_is_refused(name, folder_of, backbone_params):
    params = after_bos(backbone_params(folder_of(name)))
    with pytest.raises(EmotionSlmError, match=rf"{name}: its config.json names no bos_token_id"):
        build_classifier(params, 12, LABELS)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_learnt_positions_are_counted_without_their_offset(name, folder_of, backbone_params):
    loaded = load_backbone(backbone_params(folder_of(name)), 20)
    assert positions(loaded) == (20 if name in LEARNT_POSITIONS else None)


@pytest.mark.parametrize("name", ["roberta", "distilbert"])
def test_texts_longer_than_the_model_reads_are_refused(name, folder_of, backbone_params):
    with pytest.raises(EmotionSlmError, match=r"reads up to 20 tokens.*it is 21"):
        load_backbone(backbone_params(folder_of(name)), 21)


def test_lora_without_a_known_projection_is_refused():
    with pytest.raises(EmotionSlmError, match="Sequential: none of its layers"):
        add_lora(torch.nn.Sequential(torch.nn.Linear(2, 2)), LORA, attend=True)


def test_lora_leaves_a_vision_tower_alone(tiny_mistral3):
    # The tower is dropped on loading; were it kept, the adapters would stay in the decoder.
    from emotion_slm.backbone.loading import text_tower

    whole = transformers.AutoModelForImageTextToText.from_pretrained(tiny_mistral3)
    whole.requires_grad_(False)
    add_lora(text_tower(whole), LORA, attend=True)
    trainable = {name for name, weight in whole.named_parameters() if weight.requires_grad}
    assert len(trainable) == 2 * 2 * 7
    assert all("language_model.layers." in name for name in trainable)
    assert any("vision_tower" in name for name, _ in whole.named_parameters())
