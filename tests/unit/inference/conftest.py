import pytest

from emotion_slm.inference.classifier import EmotionClassifier


@pytest.fixture(scope="session")
def classifier(packaged) -> EmotionClassifier:
    return EmotionClassifier.from_pretrained(packaged)
