"""`import emotion_slm.auto` lets transformers' Auto classes load this project's models."""

import emotion_slm.encoder.text_classifier
import emotion_slm.model.packaged  # noqa: F401
