"""Importing this module makes the project's models known to transformers' Auto classes.

    import emotion_slm.transformers
    from transformers import pipeline

It is a step of its own because transformers takes seconds to import, which few commands need.
"""

# They register themselves.
import emotion_slm.encoder.text_classifier
import emotion_slm.publish.packaged  # noqa: F401
