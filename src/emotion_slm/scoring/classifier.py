"""EmotionClassifier: texts in, calibrated probabilities of the labels out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.package.contents import read_calibration, read_thresholds
from emotion_slm.package.package import read_package
from emotion_slm.scoring.engines import load_engine
from emotion_slm.scoring.formats import encodable
from emotion_slm.scoring.label_groups import ALL, check_threshold, known_label_groups, strongest

# Texts held, tokenized and sorted by length together: they bound memory, however many follow. A
# tokenizer takes some 200 bytes for each character.
CHUNK_TEXTS = 4096
CHUNK_CHARACTERS = 1_000_000
# Of a text so many are tokenized for each token that the encoder reads. Words of English have 5 on
# average, the longest that WordPiece looks up has 100.
CHARACTERS_PER_TOKEN = 100

MISSING = ' (a missing value; leave it out, or put "" in its place)'


class EmotionClassifier:
    """A packaged model; one may serve several threads.

    >>> classifier = EmotionClassifier.from_pretrained("models/classifier")
    >>> classifier.predict(["thank you so much!"])
    [{'gratitude': 0.97}]

    Texts come as any iterable of any length; what is held in memory beside the results is bounded.
    A text is cut at the encoder's maximal number of tokens, and before that at `text_characters`;
    the empty one is a text like any other, and surrogates without their other half, which UTF-8
    cannot hold, are read as U+FFFD.
    """

    def __init__(self, folder: Path, device: str | None = None):
        self.package = read_package(folder)
        self.labels = self.package.corpus.labels
        self.calibration = read_calibration(self.package)
        thresholds = read_thresholds(self.package)
        self.thresholds = None if thresholds is None else thresholds.per_label
        self.text_characters = CHARACTERS_PER_TOKEN * self.package.encoder.max_length
        self.engine = load_engine(self.package, device)

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str | None = None) -> "EmotionClassifier":
        """Load a model folder; EmotionSlmError when a file is missing, altered or too new.

        `device`: "cpu", "cuda", "cuda:1", "mps"; None is the CPU, and for four-bit models the GPU
        they are loaded on. A folder that `emotion-slm export --onnx` wrote runs on the CPU alone.
        """
        return cls(Path(folder), device)

    def logits(self, texts: Iterable[str]) -> np.ndarray:
        """(n, labels) float32 raw logits, in the order of `texts`.

        Raises TypeError for what is not a sequence of texts, as a single string, a table or a
        dictionary, and for an item that is not a string, naming its index.
        """
        parts = [self._logits(chunk) for chunk in self._chunks(texts)]
        return np.concatenate([np.empty((0, len(self.labels)), dtype=np.float32), *parts])

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """(n, labels) float32 calibrated probabilities, columns in the order of `labels.names`."""
        parts = [self._probabilities(chunk).astype(np.float32) for chunk in self._chunks(texts)]
        return np.concatenate([np.empty((0, len(self.labels)), dtype=np.float32), *parts])

    def probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """What `predict_proba` returns before rounding to float32; thresholds apply to these."""
        return self.calibration.apply(self.logits(texts))

    def embeddings(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """(n, d) float32 vectors of at least one text, by the trained encoder, and what
        `probabilities` returns; EmotionSlmError of an ONNX export, which gives no vectors."""
        parts = [self.engine.embeddings(chunk) for chunk in self._chunks(texts)]
        vectors, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
        return vectors, self.calibration.apply(logits)

    def truncated(self, texts: Sequence[str]) -> int:
        """How many of `texts` the encoder reads in part only."""
        cut = sum(len(text) > self.text_characters for text in texts)
        whole = (text for text in texts if len(text) <= self.text_characters)
        return cut + sum(map(self.engine.tokenizer.count_truncated, self._chunks(whole)))

    def predict(
        self,
        texts: Iterable[str],
        threshold: float | None = None,
        top_k: int | None = None,
    ) -> list[dict[str, float]]:
        """Per text the labels at or above their threshold, most probable first.

        `threshold` replaces the per-label thresholds tuned on validation; 0.0 lets every label
        through; ValueError when it is not from 0 to 1. `top_k` keeps that many of them at most;
        ValueError when it is below 1. A model of one label a text gives the most probable one, and
        none where that does not reach a `threshold` given.
        """
        check_threshold(threshold)
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is {top_k}; it must be at least 1")
        found: list[dict[str, float]] = []
        for chunk in self._chunks(texts):
            found += self.above_threshold(self._probabilities(chunk), threshold, top_k)
        return found

    def above_threshold(
        self,
        probabilities: np.ndarray,
        threshold: float | None = None,
        top_k: int | None = None,
    ) -> list[dict[str, float]]:
        """What `predict` returns, for (n, labels) probabilities at hand."""
        groups = known_label_groups(ALL, self.labels)
        reached = groups.reached(probabilities, self.thresholds, threshold)
        return strongest(groups.names, probabilities, reached, top_k)

    def given(self, probabilities: np.ndarray) -> np.ndarray:
        """(n, labels) bool: the labels of each text, by its (n, labels) probabilities."""
        groups = known_label_groups(ALL, self.labels)
        return groups.reached(probabilities, self.thresholds, None)

    def _probabilities(self, texts: list[str]) -> np.ndarray:
        return self.calibration.apply(self._logits(texts))

    def _logits(self, texts: list[str]) -> np.ndarray:
        found = self.engine.logits(texts)
        if not np.isfinite(found).all():
            raise EmotionSlmError(
                f"{self.package.folder}: its weights give what is no finite number for some text; "
                "fetch the model again"
            )
        return found

    def _chunks(self, texts: Iterable[str]) -> Iterator[list[str]]:
        chunk: list[str] = []
        characters = 0
        for index, text in enumerate(_items(texts)):
            if not isinstance(text, str):
                raise TypeError(
                    f"text {index} is not a string but {type(text).__name__}"
                    f"{MISSING if _missing(text) else ''}"
                )
            text = encodable(text[: self.text_characters])
            chunk.append(text)
            characters += len(text)
            if len(chunk) == CHUNK_TEXTS or characters >= CHUNK_CHARACTERS:
                yield chunk
                chunk, characters = [], 0
        if chunk:
            yield chunk


def _missing(item: object) -> bool:
    """Whether it is what pandas has in the place of no text: None, NaN, NA or NaT."""
    if isinstance(item, float):
        return math.isnan(item)
    return item is None or type(item).__name__ in ("NAType", "NaTType")


def _items(texts: Iterable[str]) -> Iterator[str]:
    """TypeError for what would be gone through, but not text by text."""
    kind = type(texts).__name__
    if isinstance(texts, str | bytes | bytearray):
        raise TypeError(f"give a list of texts, not one {kind}")
    if hasattr(texts, "columns") or hasattr(texts, "column_names"):
        raise TypeError(f'give one column of texts, as table["text"], not a whole {kind}')
    if isinstance(texts, Mapping | Set):
        raise TypeError(f"give a list of texts, not a {kind}, whose order is not that of texts")
    if not isinstance(texts, Iterable):
        raise TypeError(f"give a list of texts, not {kind}")
    return iter(texts)
