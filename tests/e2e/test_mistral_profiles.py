"""The Mistral profiles, stage by stage, on a tiny random model of Mistral Small 3.1's class.

Unsloth needs a GPU; here transformers loads the same classes in full precision.
"""

import numpy as np
import pandas as pd
import pytest
from support.labels import GOEMOTIONS
from support.tiny import change, create_tiny_workspace

from emotion_slm.common.files import read_json
from emotion_slm.evaluation import predictions
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench import workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_bert, tiny_mistral3, backbone_params):
    path = tmp_path_factory.mktemp("mistral") / "workspace"
    create_tiny_workspace(path, backbone_params(tiny_bert), slm=backbone_params(tiny_mistral3))
    return path


@pytest.mark.parametrize("profile", ["mistral", "recipe-mistral", "recipe-mistral-bos"])
def test_the_profile_runs_and_its_package_scores_as_evaluated(folder, profile):
    change(folder, profile=profile)
    workspace.repro(folder)
    assert read_json(folder / "models/classifier/config.json")["origin"]["profile"] == profile
    assert read_json(folder / "metrics/leakage.json")["broken"] == 0
    assert read_json(folder / "models/adapted/config.json")["frozen"] is (profile != "mistral")
    test = pd.read_parquet(folder / "data/split/test.parquet").head(50)
    everything = pd.read_parquet(folder / "data/predictions/test.parquet")["id"].tolist()
    evaluated = predictions.read(folder / "data/predictions/test.parquet", everything, GOEMOTIONS)[
        :50
    ]
    classifier = EmotionClassifier.from_pretrained(folder / "models/classifier")
    np.testing.assert_allclose(classifier.logits(test["text"]), evaluated, atol=1e-3)
