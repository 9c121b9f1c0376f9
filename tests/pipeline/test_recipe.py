"""The recipe profiles against the published settings, key by key; every departure is listed."""

from pathlib import Path

import pytest
from support.labels import LABELS

from emotion_slm.backbone.loading import load_backbone
from emotion_slm.balance.params import IsmoteParams, UndersampleParams
from emotion_slm.classifier import one_position
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.params import Document
from emotion_slm.corpus.params import SplitParams
from emotion_slm.encoder.params import EncoderParams

PUBLISHED = {
    "seed": 3407,
    "ratios": {"train": 0.6, "validation": 0.2, "test": 0.2},
    "epochs": 15,
    "batch_size": 8,
    "accumulation": 4,
    "learning_rate": 1e-4,
    "schedule": "cosine",
    "warmup_ratio": 0.05,
    "weight_decay": 0.01,
    "optimizer": "adamw_8bit",
    "max_grad_norm": 1.0,  # the Trainer's default, which the published code leaves alone
    "precision": "bfloat16",
    "selection": "macro_f1",
    "patience": None,
    "backbone": "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    "loader": "unsloth",
    "four_bit": True,
    "prefix": "none",
    "lora": {"r": 16, "alpha": 32, "dropout": 0.0},
    "dropout": 0.1,
    "loss": {"name": "focal", "gamma": 2.0, "alpha_targets": 0.75, "alpha_rest": 0.25},
    "ismote target": 4000,
    "ismote neighbours": 5,
    "rows of neutral alone": 2962,
    "projections": {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
    "max_length": 2,
}
# Of both: the step of 32 rows at once; train alone is thinned, not all rows before the split; query
# and key projections cannot matter over one position, and get no adapters.
SHARED_DEPARTURES = {
    "batch_size": 32,
    "accumulation": 1,
    "rows of neutral alone": 2000,
    "projections": {"v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
}
# MiniLM's and SmolLM2's adapters need no smaller states; 15 epochs are to fit a small machine.
SMALL = {"optimizer": "adamw", "loader": "transformers", "four_bit": False}
SMOLLM2 = SMALL | {
    "batch_size": 512,
    "learning_rate": 8e-4,  # experiments/large_batch/RESULTS.md
    "backbone": "HuggingFaceTB/SmolLM2-135M-Instruct",
}
# After BOS there are two keys: query and key projections matter, and have the published adapters.
REPAIRED = {"prefix": "bos", "projections": PUBLISHED["projections"]}
DEPARTURES = {
    "recipe-mistral": {},
    "recipe-mistral-bos": REPAIRED,
    "recipe-smollm2": SMOLLM2,
    "recipe-smollm2-bos": SMOLLM2 | REPAIRED,
    "recipe-minilm": SMALL
    | {
        "batch_size": 128,
        "learning_rate": 4e-4,  # in proportion to the batch
        "backbone": "sentence-transformers/all-MiniLM-L6-v2",
    },
}


def settings(profile: str) -> dict[str, object]:
    document = Document.read(Path("params.yaml")).with_profile(profile)
    finetune = document.section("finetune", FinetuneParams)
    ismote = document.section("ismote", IsmoteParams)
    training, classifier = finetune.training, finetune.classifier
    same = {name: getattr(training, name) for name in PUBLISHED if hasattr(training, name)}
    return same | {
        "backbone": classifier.backbone.id,
        "loader": classifier.backbone.loader,
        "four_bit": classifier.backbone.four_bit,
        "prefix": classifier.prefix,
        "lora": classifier.lora.model_dump(),
        "dropout": classifier.dropout,
        "loss": finetune.loss.model_dump(),
        "ismote target": ismote.target,
        "ismote neighbours": ismote.k_neighbors,
        "seed": document.seed,
        "ratios": document.section("split", SplitParams).ratios.model_dump(),
        "rows of neutral alone": document.section("undersample", UndersampleParams).keep,
    }


@pytest.fixture
def built(monkeypatch, tiny_mistral, backbone_params):
    """Function: profile → what the code adds to params: the projections with adapters, and the
    longest input."""
    asked = {}

    def load(params, max_length):
        asked["max_length"] = max_length
        return load_backbone(backbone_params(tiny_mistral), max_length)

    def make(profile: str) -> dict[str, object]:
        document = Document.read(Path("params.yaml")).with_profile(profile)
        params = document.section("finetune", FinetuneParams).classifier
        names = [name.split(".") for name, _ in build_classifier(params, 8, LABELS).named_modules()]
        return asked | {"projections": {name[-2] for name in names if name[-1] == "lora_A"}}

    monkeypatch.setattr(one_position, "load_backbone", load)
    return make


@pytest.mark.parametrize("profile", DEPARTURES)
def test_a_recipe_profile_is_the_published_one_but_for_the_listed_departures(profile, built):
    expected = PUBLISHED | SHARED_DEPARTURES | DEPARTURES[profile]
    assert settings(profile) | built(profile) == expected


@pytest.mark.parametrize("profile", DEPARTURES)
def test_the_recipes_encoder_is_frozen_and_the_slm_reads_one_position(profile):
    document = Document.read(Path("params.yaml")).with_profile(profile)
    assert document.is_none("adapt")
    assert document.section("finetune", FinetuneParams).classifier.name == "one_position"
    assert document.section("encoder", EncoderParams).id == DEPARTURES["recipe-minilm"]["backbone"]
