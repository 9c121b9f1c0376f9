import pytest

from emotion_slm.scoring.classifier import EmotionClassifier


@pytest.fixture(scope="session")
def classifier(packaged) -> EmotionClassifier:
    return EmotionClassifier.from_pretrained(packaged)
