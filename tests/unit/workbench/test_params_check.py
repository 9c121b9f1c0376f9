from pathlib import Path

import pytest
from ruamel.yaml import YAML

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import PROFILE_SECTIONS, SHARED_SECTIONS, Document
from emotion_slm.training.params import complete_loss
from emotion_slm.workbench.params_check import SECTIONS, checked_settings

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.fixture
def changed(tmp_path):
    """Function: changes params.yaml's content in place → the document."""

    def change(edit) -> Document:
        yaml = YAML(typ="safe", pure=True)
        content = yaml.load(PARAMS)
        edit(content)
        with (tmp_path / "params.yaml").open("w") as stream:
            yaml.dump(content, stream)
        return Document.read(tmp_path / "params.yaml")

    return change


def test_every_section_is_checked():
    assert set(SECTIONS) == {*PROFILE_SECTIONS, *SHARED_SECTIONS}


def test_problems_of_all_sections_are_named_before_any_stage_runs(changed):
    def edit(content):
        sections = content["profiles"]["minilm"]
        training = sections["finetune"]["training"]
        training["selectoin"] = training.pop("selection")
        sections["ismote"]["k_neighbours"] = 3
        content["evaluate"]["thresholds"]["grid_step"] = 2.0

    with pytest.raises(EmotionSlmError) as error:
        checked_settings(changed(edit))
    message = str(error.value)
    assert "profiles.minilm.finetune.training.selectoin: unknown key; did you mean" in message
    assert "profiles.minilm.ismote.k_neighbours: unknown key; did you mean 'k_neighbors'" in message
    assert "evaluate.thresholds.grid_step" in message


def test_labels_that_the_corpus_does_not_have_are_named(changed):
    def edit(content):
        ismote = content["profiles"]["minilm"]["ismote"]
        ismote["exclude_labels"], ismote["target"] = ["neutral", "saddness"], {"grieff": 100}

    with pytest.raises(EmotionSlmError) as error:
        checked_settings(changed(edit))
    message = str(error.value)
    assert "profiles.minilm.ismote: unknown label 'saddness'; did you mean 'sadness'?" in message
    assert "'grieff'; did you mean 'grief'?" in message


def test_another_profile_s_problems_stop_nobody(changed):
    def edit(content):
        content["profiles"]["mistral"]["embed"] = {"batch": 3}

    assert checked_settings(changed(edit))["profile"] == "minilm"


def test_a_loss_of_another_task_is_named_with_those_that_fit(changed):
    def edit(content):
        content["profiles"]["minilm"]["adapt"]["loss"] = {"name": "cross_entropy"}

    with pytest.raises(EmotionSlmError) as error:
        checked_settings(changed(edit))
    message = str(error.value)
    assert (
        "profiles.minilm.adapt.loss: cross_entropy is no loss for a corpus of any number" in message
    )
    assert "use bce or focal or asymmetric" in message


def test_losses_are_written_complete(changed):
    def edit(content):
        content["profiles"]["minilm"]["finetune"]["loss"]["name"] = "focal"

    settings = checked_settings(changed(edit))
    assert settings["finetune"]["loss"] == complete_loss({"name": "focal"})
    assert settings["adapt"]["loss"]["name"] == "asymmetric"


def test_a_profile_that_skips_stages(changed):
    settings = checked_settings(changed(lambda content: content.update(profile="recipe-minilm")))
    assert settings["adapt"] == "none"
