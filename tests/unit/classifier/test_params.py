import pytest
from pydantic import ValidationError

from emotion_slm.classifier.params import FinetuneParams


def test_only_a_linear_head_starts_adapted(training_params):
    with pytest.raises(ValidationError, match="the classifier is mlp"):
        FinetuneParams(
            classifier={"name": "mlp", "hidden": 4, "dropout": 0},
            start="adapted",
            loss={"name": "bce"},
            training=training_params(),
        )
