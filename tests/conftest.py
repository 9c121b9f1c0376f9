"""Settings of every test, and tiny pretrained models of the classes that real runs load."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from support.labels import LABELS

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.files import sha256_file
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.training.params import TrainingParams

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is first imported: after this
# Read when rich and typer are: output has one width, and no colours where GitHub would have them.
os.environ["COLUMNS"] = "80"
for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TTY_COMPATIBLE"):
    os.environ.pop(name, None)
# Stages are called `python`: this one, whatever the machine calls its own.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# Tests run two at a time: threads of theirs would wait for each other, and burn time doing so.
pin_threads(1)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")

WIDTH = 32
WORDS = ("happy", "angry", "sad", "scared", "cat", "dog", "tree", "house", "the", "is", "very")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """Folder of a two-layer random BERT with a WordPiece tokenizer."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny-bert")
    vocabulary = save_tokenizer(folder, template="[CLS] $A [SEP]")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,  # the usual 0.02 is too flat for so narrow a model to learn fast
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_mistral(tmp_path_factory) -> Path:
    """Folder of a two-layer random Mistral decoder, saved with its language-model head."""
    from transformers import MistralConfig, MistralForCausalLM

    folder = tmp_path_factory.mktemp("tiny-mistral")
    vocabulary = save_tokenizer(folder, template="[CLS] $A")
    torch.manual_seed(0)
    config = MistralConfig(vocab_size=vocabulary, **_decoder_sizes())
    MistralForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_mistral3(tmp_path_factory) -> Path:
    """Folder of a random Mistral3 (vision tower and text decoder), the class of Small 3.1."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    folder = tmp_path_factory.mktemp("tiny-mistral3")
    vocabulary = save_tokenizer(folder, template="[CLS] $A")
    torch.manual_seed(0)
    config = Mistral3Config(
        text_config={"model_type": "mistral", "vocab_size": vocabulary, **_decoder_sizes()},
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 8,
            "intermediate_size": 32,
            "image_size": 28,
            "patch_size": 14,
        },
        image_token_index=5,
    )
    Mistral3ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory) -> Path:
    """Folder of SmolLM2-135M-Instruct, 540 MB of real weights; skips where its package is not
    installed."""
    from benchmarks.smollm2 import missing_packages, write_smollm2

    if missing := missing_packages():
        pytest.skip(missing)
    return write_smollm2(tmp_path_factory.mktemp("smollm2"))


def _decoder_sizes() -> dict:
    return {
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
    }


def save_tokenizer(folder: Path, template: str) -> int:
    """Save a WordPiece tokenizer over WORDS and single letters; return the vocabulary's size."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*specials, *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template,
        special_tokens=[(name, vocabulary[name]) for name in specials if name in template],
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    )
    wrapped.save_pretrained(folder)
    return len(vocabulary)


@pytest.fixture(scope="session")
def backbone_params():
    """Function: folder of a model → BackboneParams pinned to its hash."""

    def make(folder: Path, **changes) -> BackboneParams:
        return BackboneParams(**_pinned(folder) | changes)

    return make


@pytest.fixture(scope="session")
def encoder_params():
    """Function: folder of a model → EncoderParams pinned to its hash."""

    def make(folder: Path, **changes) -> EncoderParams:
        defaults = {"pooling": "mean", "normalize": False, "max_length": 32}
        return EncoderParams(**_pinned(folder) | defaults | changes)

    return make


def _pinned(folder: Path) -> dict:
    return {
        "id": str(folder),
        "revision": None,
        "sha256": sha256_file(folder / "model.safetensors"),
        "loader": "transformers",
        "four_bit": False,
    }


@pytest.fixture(scope="session")
def training_params():
    """Function: changes → TrainingParams of a short float32 run."""

    def make(**changes) -> TrainingParams:
        defaults = {
            "epochs": 2,
            "batch_size": 4,
            "learning_rate": 1e-3,
            "schedule": "linear",
            "warmup_ratio": 0.0,
            "weight_decay": 0.0,
            "precision": "float32",
            "selection": "map",
        }
        return TrainingParams(**defaults | changes)

    return make


@pytest.fixture(scope="session")
def emotion_frame():
    """Function: (rows, seed) → pandas frame `id, text, labels`, the first word giving the label."""
    import pandas as pd

    meanings = {"happy": "joy", "angry": "anger", "sad": "sadness", "scared": "fear"}

    def make(rows: int, seed: int = 0) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        texts, labels = [], []
        for index in range(rows):
            word = list(meanings)[index % len(meanings)]
            filler = generator.choice(WORDS[4:], size=int(generator.integers(1, 6)))
            texts.append(" ".join([word, *filler]))
            labels.append([meanings[word]])
        return pd.DataFrame(
            {"id": [f"{seed}-{index}" for index in range(rows)], "text": texts, "labels": labels}
        )

    return make


@pytest.fixture(scope="session")
def separable_vectors():
    """Function: (rows, seed) → (n, 32) float32 vectors and (n, 28) int8 gold over four labels."""

    def make(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        centres = np.random.default_rng(12345).normal(size=(4, WIDTH))
        generator = np.random.default_rng(seed)
        classes = np.arange(rows) % 4
        vectors = centres[classes] + 0.1 * generator.normal(size=(rows, WIDTH))
        gold = np.zeros((rows, len(LABELS)), dtype=np.int8)
        gold[np.arange(rows), classes] = 1
        return vectors.astype(np.float32), gold

    return make


@pytest.fixture(scope="session")
def packaged(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """Folder of a complete package around tiny BERT, its encoder adapted, its weights random."""
    from support.packages import create_package

    return create_package(tmp_path_factory.mktemp("packaged"), encoder_params(tiny_bert))


@pytest.fixture(scope="session")
def exported(packaged, tmp_path_factory) -> Path:
    """Folder of `packaged`, exported as a float32 ONNX graph."""
    from emotion_slm.package.package import read_package
    from emotion_slm.publish.onnx_export import export_onnx

    folder = tmp_path_factory.mktemp("exported") / "onnx"
    export_onnx(read_package(packaged), folder, "float32")
    return folder


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """A small evaluation, with all that stage evaluate writes of it."""
    from support.evaluated import evaluate_in

    return evaluate_in(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    """(300, 28) gold, every label present, and logits that rank well and are badly calibrated."""
    rng = np.random.default_rng(11)
    gold = (rng.random((300, len(LABELS))) < np.linspace(0.05, 0.3, len(LABELS))).astype(np.int8)
    logits = rng.normal(size=gold.shape) + 2 * gold + 1
    return gold, logits.astype(np.float32)
