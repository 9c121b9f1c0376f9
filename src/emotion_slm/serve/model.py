"""The model that is served: what it says of itself, and the probabilities of a batch of texts."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.package.config import CONFIG, RESULTS
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.formats import encodable
from emotion_slm.scoring.label_groups import ALL, TARGETS, LabelGroups, known_label_groups

NAME = "emotion-slm"  # in the routes of the Open Inference Protocol

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Size(NamedTuple):
    """The tokens of a text that the model reads, and whether the text has more than these."""

    tokens: int
    truncated: bool


class ServedModel:
    """A packaged model; its methods may be called from any thread."""

    def __init__(self, folder: Path):
        """EmotionSlmError as `EmotionClassifier.from_pretrained`."""
        self.classifier = EmotionClassifier.from_pretrained(folder)
        self.labels = self.classifier.labels.names
        self.thresholds = self.classifier.thresholds
        self.groups = label_groups(self.classifier.labels)
        # The config holds the hashes of all other files.
        self.digest = sha256_file(folder / CONFIG)
        self.macro_f1 = _macro_f1(folder / RESULTS)

    def info(self) -> dict[str, Any]:
        """What `GET /info` answers."""
        package = self.classifier.package
        return {
            "name": NAME,
            "sha256": self.digest,
            "engine": f"ONNX {package.onnx}" if package.onnx else "PyTorch",
            **package.origin._asdict(),
            "macro_f1": self.macro_f1,
            "max_tokens": package.encoder.max_length,
            "task": package.corpus.task,
            "thresholds": self._thresholds(),
        }

    def _thresholds(self) -> dict[str, float]:
        """By label; none of a model that gives exactly one label."""
        if self.thresholds is None:
            return {}
        return dict(zip(self.labels, self.thresholds.tolist(), strict=True))

    def sizes(self, texts: Sequence[str]) -> list[Size | Exception]:
        """Of each text its size, or why it cannot be read."""
        return one_by_one(self._sizes, texts)

    def probabilities(self, texts: Sequence[str]) -> list[np.ndarray | Exception]:
        """Of each text (labels,) calibrated probabilities, or why it cannot be scored."""
        return one_by_one(self._probabilities, texts)

    def _sizes(self, texts: Sequence[str]) -> list[Size]:
        most = self.classifier.text_characters
        tokenizer = self.classifier.engine.tokenizer.tokenizer
        try:
            read = tokenizer.encode_batch_fast([encodable(text[:most]) for text in texts])
        except BaseException as error:  # where it panics it raises no Exception
            raise EmotionSlmError(
                f"{self.classifier.package.folder}: its tokenizer fails"
            ) from error
        return [
            Size(len(tokens.ids), len(text) > most or bool(tokens.overflowing))
            for text, tokens in zip(texts, read, strict=True)
        ]

    def _probabilities(self, texts: Sequence[str]) -> list[np.ndarray]:
        rows = self.classifier.probabilities(texts)
        if not np.isfinite(rows).all():
            raise ArithmeticError("the model gave a probability that is no number")
        return list(rows)


def label_groups(labels: LabelSet) -> dict[str, LabelGroups]:
    """By name what a request may ask to see; a corpus need not have targets."""
    names = (ALL, *((TARGETS,) if labels.targets else ()), *labels.groups)
    return {name: known_label_groups(name, labels) for name in names}


def _macro_f1(results: Path) -> float | None:
    """That of the card; None without results, which scoring does not need."""
    test = read_json(results).get("test") if results.exists() else None
    found = test.get("macro_f1") if isinstance(test, dict) else None
    return found if isinstance(found, float) else None


def one_by_one(
    compute: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]
) -> list[Result | Exception]:
    """`compute` of all `items` together; where it fails, of each half, down to those that fail."""
    try:
        return list(compute(items))
    except Exception as error:
        if len(items) == 1:
            log.warning("a text could not be scored", exc_info=True)
            return [error]
        middle = len(items) // 2
        return one_by_one(compute, items[:middle]) + one_by_one(compute, items[middle:])
