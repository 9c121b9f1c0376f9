"""JSON objects that hold one value for each of the 28 labels."""

from collections.abc import Mapping

from emotion_slm.errors import EmotionSlmError
from emotion_slm.labels import LABELS


def check_labels(content: object, source: str) -> None:
    """EmotionSlmError, naming `source` and the odd label, unless the keys are exactly LABELS."""
    if not isinstance(content, Mapping):
        raise EmotionSlmError(f"{source}: expected an object with a value for each of the labels")
    odd = sorted(set(content) ^ set(LABELS))
    if odd:
        raise EmotionSlmError(f"{source}: missing or unknown label {odd[0]!r}")
