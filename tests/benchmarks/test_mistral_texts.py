"""The checkpoint of random weights and the benchmark that trains on it, tiny and on a CPU."""

import numpy as np
import pytest
import torch

from benchmarks import mistral_texts
from benchmarks.random_checkpoint import write_checkpoint
from benchmarks.random_mistral import Shape
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import AdaptParams, EncoderParams

SHAPE = Shape(2, 128, 256, 4, 2, 32, 500, four_bit=True)
CHECKPOINT = {"loader": "transformers", "sha256": None, "revision": None, "four_bit": True}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random") / "checkpoint"
    write_checkpoint(folder, SHAPE, torch.device("cpu"))
    return folder


def test_transformers_loads_every_weight_of_the_checkpoint(checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the lock of its hashes is written here
    backbone = load_backbone(BackboneParams(id=str(checkpoint), **CHECKPOINT), max_length=32)
    assert type(backbone).__name__ == "MistralModel"
    projections = [part for part in backbone.modules() if type(part).__name__ == "Linear4bit"]
    assert len(projections) == 7 * SHAPE.layers
    assert all(part.weight.dtype == torch.uint8 for part in projections)
    hidden = backbone(input_ids=torch.arange(6)[None]).last_hidden_state
    assert hidden.shape == (1, 6, SHAPE.hidden)
    assert torch.isfinite(hidden).all()


def test_every_run_is_timed(checkpoint, tmp_path, monkeypatch):
    document = Document.read().with_profile(mistral_texts.PROFILE)
    encoder = document.section("encoder", EncoderParams)
    adapt = document.section("adapt", AdaptParams)
    training = adapt.training.model_copy(update={"batch_size": 2, "optimizer": "adamw"})
    needs = {"gpu_memory_gib": None, "ram_gib": None}
    monkeypatch.chdir(tmp_path)
    speeds = mistral_texts.measure(
        encoder.model_copy(update=CHECKPOINT | needs | {"id": str(checkpoint)}),
        adapt.model_copy(update={"training": training}),
        runs=2,
        steps=2,
    )
    assert len(speeds) == 2
    assert min(speeds) > 0


def test_texts_are_of_the_lengths_that_are_asked_for():
    rows = mistral_texts.random_texts(200, vocabulary=50)
    lengths = [len(text) for text in rows.features]
    assert (min(lengths), max(lengths)) == mistral_texts.TOKENS
    assert np.array_equal(lengths, rows.lengths)
    assert max(text.max() for text in rows.features) < 50
