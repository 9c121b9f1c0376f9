"""emotion-slm: leak-free fine-tuning of small language models for emotion recognition."""

import importlib
from typing import Any

__all__ = ["EmotionClassifier"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: torch takes seconds to import. By name, because no stage uses it: an
    # import statement here would tie every stage to the scoring code.
    if name == "EmotionClassifier":
        return importlib.import_module("emotion_slm.scoring.classifier").EmotionClassifier
    raise AttributeError(f"module 'emotion_slm' has no attribute {name!r}")
