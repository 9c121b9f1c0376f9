"""The linear head that adaptation trained beside the encoder."""

from pathlib import Path

from emotion_slm.backbone.tensors import load_trained
from emotion_slm.classifier.architectures import HeadClassifier, HeadConfig
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import HEAD, read_adapted


def load_adapted_head(folder: Path, width: int) -> HeadClassifier:
    """The head in `folder` (models/adapted), on vectors of `width`, in evaluation mode.

    EmotionSlmError when the encoder is frozen and has none.
    """
    if read_adapted(folder).frozen:
        raise EmotionSlmError(
            f"{folder} holds a frozen encoder, which brings no head: set finetune.start to fresh"
        )
    head = HeadClassifier(HeadConfig(width=width))
    load_trained(head.layers[0], folder / HEAD)
    return head.eval()
