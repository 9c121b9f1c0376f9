import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import AdaptParams

REPOSITORY_PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.fixture
def training(tmp_path):
    """Function: (profile, stage, changed keys of `training`) → the parameters; None removes."""

    def make(profile: str, stage: str, **changes):
        content = YAML(typ="safe").load(REPOSITORY_PARAMS.read_text())
        section = content["profiles"][profile][stage]["training"]
        for key, value in changes.items():
            section[key] = value
            if value is None:
                del section[key]
        path = tmp_path / "params.yaml"
        YAML(typ="safe").dump(content, path)
        model = {"adapt": AdaptParams, "finetune": FinetuneParams}[stage]
        return Document.read(path).with_profile(profile).section(stage, model).training

    return make


def test_what_is_left_out_has_the_documented_default(training):
    found = training("minilm", "adapt")
    assert (found.accumulation, found.optimizer, found.max_grad_norm) == (1, "adamw", 1.0)
    assert found.launch == "none"
    assert (found.patience, found.checkpoint_steps) == (None, None)


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        ("adapt", {"batch_size": None}, "training.batch_size: missing key"),
        ("adapt", {"patience": 4}, "`patience` 4 can never stop a training of 2 epochs"),
        ("finetune", {"epochs": 0}, "training.epochs: Input should be greater than or"),
        ("adapt", {"accumulation": 0}, "training.accumulation: Input should be greater than or"),
        ("adapt", {"max_grad_norm": 0.0}, "training.max_grad_norm: Input should be greater than 0"),
        ("adapt", {"optimizer": "adam"}, "training.optimizer: Input should be 'adamw' or"),
        ("adapt", {"checkpoint_step": 9}, "unknown key; did you mean 'checkpoint_steps'"),
    ],
)
def test_contradictions_are_refused_in_one_sentence(training, stage, changes, message):
    with pytest.raises(EmotionSlmError) as refused:
        training("minilm", stage, **changes)
    assert re.search(re.escape(message), str(refused.value)), refused.value
    assert f"profiles.minilm.{stage}" in str(refused.value)
