"""emotion-slm: leak-free fine-tuning of small language models for emotion recognition."""

import importlib
from typing import Any

from emotion_slm.auto import announce

__all__ = ["EmotionClassifier"]

announce()


def __getattr__(name: str) -> Any:
    # Loaded on first use: torch takes seconds to import. By name, because no stage uses it: an
    # import statement here would tie every stage to the inference code.
    if name == "EmotionClassifier":
        return importlib.import_module("emotion_slm.inference.classifier").EmotionClassifier
    raise AttributeError(f"module 'emotion_slm' has no attribute {name!r}")
