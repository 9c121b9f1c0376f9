"""The profiles of models that were not trained here: each on a tiny random model of its class, by
the settings of params.yaml."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from support.labels import GOEMOTIONS
from support.packages import create_package

from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.common.params import Document
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import ENCODER, load_encoder, read_adapted
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.package.package import read_package
from emotion_slm.publish.onnx_export import export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier

ROOT = Path(__file__).parents[3]
SIZES = {
    "vocab_size": 80,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.2,
}
TEXTS = ["happy cat", "the very sad dog is in the house", "tree", "angry"]


def ministral() -> transformers.PreTrainedModel:
    """As on the hub: a vision tower, a text model of type ministral3. Wide enough for 4 bits."""
    wide = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16, "num_key_value_heads": 2}
    config = transformers.Mistral3Config(
        text_config={"model_type": "ministral3", "max_position_embeddings": 64, **SIZES, **wide},
        vision_config={
            "model_type": "pixtral", "hidden_size": 64, "num_hidden_layers": 1, "head_dim": 32,
            "num_attention_heads": 2, "intermediate_size": 64, "image_size": 28, "patch_size": 14,
        },
        image_token_index=5,
    )  # fmt: skip
    model = transformers.Mistral3ForConditionalGeneration(config)
    return model.to(torch.bfloat16)


def modernbert() -> transformers.PreTrainedModel:
    config = transformers.ModernBertConfig(
        **SIZES, pad_token_id=0, local_attention=8, global_attn_every_n_layers=2
    )
    return transformers.ModernBertForMaskedLM(config)


def multilingual() -> transformers.PreTrainedModel:
    config = transformers.EuroBertConfig(
        **SIZES, pad_token_id=0, bos_token_id=2, eos_token_id=0, mask_token_id=1
    )
    return transformers.EuroBertForMaskedLM(config)


def smollm2() -> transformers.PreTrainedModel:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))


MADE = {
    "smollm2": (smollm2, "LlamaModel"),
    "ministral": (ministral, "Ministral3Model"),
    "modernbert": (modernbert, "ModernBertModel"),
    "multilingual": (multilingual, "EuroBertModel"),
}


@pytest.fixture(scope="module")
def profile_of(tmp_path_factory, tiny_mistral):
    """Function: profile → its document, and its encoder as the tiny model of the same class."""
    root = tmp_path_factory.mktemp("profiles")

    def make(name: str) -> tuple[Document, EncoderParams]:
        folder = root / name
        if not folder.exists():
            torch.manual_seed(0)
            MADE[name][0]().save_pretrained(folder)
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copyfile(tiny_mistral / file, folder / file)
        if name == "multilingual":  # keys of the hub's config, of code that is not run here
            code = {"AutoModel": "modeling_eurobert.EuroBertModel"}
            config = read_json(folder / "config.json") | {"auto_map": code, "clf_pooling": "late"}
            write_json(folder / "config.json", config)
        document = Document.read(ROOT / "params.yaml").with_profile(name)
        encoder = document.section("encoder", EncoderParams)
        changes = {
            "id": str(folder),
            "sha256": sha256_file(folder / "model.safetensors"),
            "gpu_memory_gib": None,
            "ram_gib": None,
        }
        return document, encoder.model_copy(update=changes)

    return make


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ministral", marks=pytest.mark.slow),
        pytest.param("smollm2", marks=pytest.mark.slow),
        "modernbert",
        "multilingual",
    ],
)
def test_it_is_trained_saved_loaded_and_embeds(name, profile_of, emotion_frame, tmp_path):
    document, encoder = profile_of(name)
    params = document.section("adapt", AdaptParams)
    training = params.training.model_copy(update={"epochs": 1, "batch_size": 8})
    params = params.model_copy(update={"training": training})
    rows, validation = emotion_frame(24), emotion_frame(8, seed=1)
    output = tmp_path / "adapted"
    trained = adapt(
        rows, validation, GOEMOTIONS, encoder, params, 0, output, tmp_path / "checkpoints"
    )
    assert np.isfinite([epoch.train_loss for epoch in trained.curve]).all()

    adapted = read_adapted(output)
    assert (adapted.lora is None) == (params.lora == "none")
    model = load_encoder(encoder, adapted, output / ENCODER)
    assert type(model.backbone).__name__ == MADE[name][1]
    untouched = load_encoder(encoder, adapted._replace(frozen=True), None)
    tokenizer = Tokenizer(Path(encoder.id), encoder.max_length)
    vectors, before = (
        embed(TEXTS, one, tokenizer, 2, lambda _: None) for one in (model, untouched)
    )
    assert vectors.dtype == np.float32 and np.isfinite(vectors).all()
    assert np.abs(vectors - before).max() > 1e-4  # it has learnt something
    alone = embed(TEXTS[2:3], model, tokenizer, 1, lambda _: None)
    close = 0.05 if encoder.four_bit else 1e-4
    np.testing.assert_allclose(alone[0], vectors[2], atol=close, rtol=close)


@pytest.mark.parametrize("name", MADE)
def test_what_follows_is_what_minilm_has(name):
    document = Document.read(ROOT / "params.yaml")
    sections = [document.with_profile(one) for one in (name, "minilm")]
    ours, minilm = (one.section("finetune", FinetuneParams) for one in sections)
    assert ours == minilm
    assert sections[0].settings["ismote"] == sections[1].settings["ismote"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["modernbert", "multilingual"])
def test_it_is_packaged_and_exported(name, profile_of, tmp_path):
    _, encoder = profile_of(name)
    folder = create_package(tmp_path, encoder)
    exported = tmp_path / "onnx"
    export_onnx(read_package(folder), exported, "float32")
    scores = [EmotionClassifier.from_pretrained(one).logits(TEXTS) for one in (folder, exported)]
    np.testing.assert_allclose(*scores, atol=1e-3)
