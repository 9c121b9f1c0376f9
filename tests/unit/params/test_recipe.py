"""The recipe profiles against the published settings, key by key; every departure is listed."""

from pathlib import Path

import pytest

from emotion_slm.params.document import Document
from emotion_slm.params.encoder import EncoderParams
from emotion_slm.params.finetune import FinetuneParams
from emotion_slm.params.ismote import IsmoteParams

PUBLISHED = {
    "epochs": 15,
    "effective batch": 32,  # 8 × 4 accumulated
    "learning_rate": 1e-4,
    "schedule": "cosine",
    "warmup_ratio": 0.05,
    "weight_decay": 0.01,
    "optimizer": "adamw_8bit",
    "max_grad_norm": 1.0,  # the Trainer's default, which the published code leaves alone
    "precision": "bfloat16",
    "selection": "macro_f1",
    "patience": None,
    "layer_decay": None,
    "ema_decay": None,
    "backbone": "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    "loader": "unsloth",
    "four_bit": True,
    "lora": {"r": 16, "alpha": 32, "dropout": 0.0},
    "dropout": 0.1,
    "loss": {"name": "focal", "gamma": 2.0, "alpha_targets": 0.75, "alpha_rest": 0.25},
    "ismote target": 4000,
    "ismote neighbours": 5,
}
DEPARTURES = {
    "recipe-mistral": {},
    "recipe-minilm": {
        "effective batch": 128,  # 15 epochs are to fit two CPU cores
        "learning_rate": 4e-4,  # in proportion to the batch
        "optimizer": "adamw",  # MiniLM's adapters need no smaller states
        "backbone": "sentence-transformers/all-MiniLM-L6-v2",
        "loader": "transformers",
        "four_bit": False,
    },
}


def settings(profile: str) -> dict[str, object]:
    document = Document.read(Path("params.yaml")).with_profile(profile)
    finetune = document.section("finetune", FinetuneParams)
    ismote = document.section("ismote", IsmoteParams)
    training, classifier = finetune.training, finetune.classifier
    same = {name: getattr(training, name) for name in PUBLISHED if hasattr(training, name)}
    return same | {
        "effective batch": training.batch_size * training.accumulation,
        "backbone": classifier.backbone.id,
        "loader": classifier.backbone.loader,
        "four_bit": classifier.backbone.four_bit,
        "lora": classifier.lora.model_dump(),
        "dropout": classifier.dropout,
        "loss": finetune.loss.model_dump(),
        "ismote target": ismote.target,
        "ismote neighbours": ismote.k_neighbors,
    }


@pytest.mark.parametrize("profile", DEPARTURES)
def test_a_recipe_profile_is_the_published_one_but_for_the_listed_departures(profile):
    assert settings(profile) == PUBLISHED | DEPARTURES[profile]


@pytest.mark.parametrize("profile", DEPARTURES)
def test_the_recipes_encoder_is_frozen_and_the_slm_reads_one_position(profile):
    document = Document.read(Path("params.yaml")).with_profile(profile)
    assert document.is_none("adapt")
    assert document.section("finetune", FinetuneParams).classifier.name == "one_position"
    assert document.section("encoder", EncoderParams).id == DEPARTURES["recipe-minilm"]["backbone"]
