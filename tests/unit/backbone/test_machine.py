from pathlib import Path

import pytest

from emotion_slm.backbone import machine as module
from emotion_slm.backbone.machine import (
    OPTIONAL_PACKAGES,
    Machine,
    fitting_profiles,
    preflight,
    probe,
    shortcomings,
)
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import EncoderParams

ROOT = Path(__file__).parents[3]
CPU_PROFILES = [
    "sample", "minilm", "recipe-minilm", "recipe-smollm2", "recipe-smollm2-bos", "tweeteval",
    "tweeteval-from-emotions", "smollm2", "modernbert", "multilingual",
]  # fmt: skip
GPU_24 = ["ministral", "recipe-mistral", "recipe-mistral-bos"]
EVERYTHING = frozenset(OPTIONAL_PACKAGES)
LAPTOP = Machine(gpus=(), ram=16, packages=frozenset({"bitsandbytes"}))
A6000 = Machine(gpus=(47.4,), ram=128, packages=EVERYTHING)


def backbone(**changes) -> BackboneParams:
    defaults = {
        "id": "owner/huge-model",
        "revision": None,
        "sha256": None,
        "loader": "unsloth",
        "four_bit": True,
        "gpu_memory_gib": 48.0,
        "ram_gib": 16.0,
    }
    return BackboneParams(**defaults | changes)


@pytest.fixture
def on(monkeypatch):
    """Function: machine → this process believes to run there."""

    def believe(machine: Machine) -> None:
        monkeypatch.setattr(module, "probe", lambda: machine)

    return believe


def test_probe_finds_memory_and_packages():
    found = probe()
    assert found.ram > 0.5
    assert all(memory > 0 for memory in found.gpus)
    assert "bitsandbytes" in found.packages and found.packages <= EVERYTHING


@pytest.mark.parametrize(
    ("params", "machine", "said"),
    [
        (backbone(), LAPTOP, ["CUDA GPU of 48 GiB, found none", "package unsloth"]),
        (backbone(gpu_memory_gib=None), LAPTOP, ["loader unsloth needs a CUDA GPU", "unsloth,"]),
        (backbone(), A6000._replace(gpus=(23.6,)), ["48 GiB, found 23.6 GiB"]),
        (backbone(), A6000._replace(gpus=(23.6, 39.4)), ["48 GiB, found 23.6 GiB, 39.4 GiB"]),
        (backbone(), A6000._replace(ram=7.6), ["16 GiB of RAM, found 7.6 GiB"]),
        (backbone(), A6000._replace(packages=frozenset({"unsloth"})), ["package bitsandbytes"]),
        (backbone(), A6000._replace(packages=frozenset({"bitsandbytes"})), ["package unsloth"]),
    ],
)
def test_each_need_that_is_not_met_is_named(params, machine, said):
    found = shortcomings(params, machine)
    assert len(found) == len(said)
    for phrase, words in zip(found, said, strict=True):
        assert words in phrase


def test_a_card_counts_as_what_it_is_sold_as():
    assert shortcomings(backbone(), A6000) == []
    assert shortcomings(backbone(), A6000._replace(gpus=(44.5,))) == []


def test_transformers_may_spread_a_model_over_all_gpus():
    four = A6000._replace(gpus=(23.6,) * 4)
    assert shortcomings(backbone(loader="transformers"), four) == []
    assert shortcomings(backbone(), four) != []


def test_a_plain_model_needs_nothing():
    params = backbone(loader="transformers", four_bit=False, gpu_memory_gib=None, ram_gib=None)
    assert shortcomings(params, Machine((), 1.0, frozenset())) == []


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (LAPTOP, []),
        (A6000._replace(gpus=(23.6,)), GPU_24),
        (A6000, [*GPU_24, "mistral"]),
    ],
)
def test_profiles_that_fit(machine, expected):
    found = fitting_profiles(Document.read(ROOT / "params.yaml"), machine)
    assert set(found) == {*CPU_PROFILES, *expected}


def test_the_profiles_declare_their_needs():
    document = Document.read(ROOT / "params.yaml")
    encoder = document.with_profile("mistral").section("encoder", EncoderParams)
    finetune = document.with_profile("recipe-mistral").section("finetune", FinetuneParams)
    assert encoder.gpu_memory_gib == 48
    assert finetune.classifier.backbone.gpu_memory_gib == 24


def test_the_refusal_says_what_is_needed_found_and_which_profiles_fit(on, monkeypatch):
    monkeypatch.chdir(ROOT)
    on(LAPTOP)
    with pytest.raises(EmotionSlmError) as error:
        preflight(backbone())
    message = str(error.value)
    assert "owner/huge-model" in message
    assert "48 GiB, found none" in message and '".[gpu]"' in message
    assert "`sample`, `minilm`, `recipe-minilm`" in message and "`mistral`" not in message


def test_outside_a_workspace_no_profile_is_named(on, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    on(LAPTOP)
    with pytest.raises(EmotionSlmError, match="found none"):
        preflight(backbone())


def test_a_machine_that_fits_passes(on):
    on(A6000)
    preflight(backbone())


def test_needs_are_not_written_beside_the_weights():
    assert not {"gpu_memory_gib", "ram_gib"} & set(backbone().model_dump())
