"""How far a period's texts lie from others by their embeddings, apart from what they express.

A sample of each period is embedded. A trained encoder puts texts where their labels are, so a shift
of shares moves embeddings too; what the classifier's probabilities explain of them is therefore
taken out (least squares) before means are compared.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from emotion_slm.monitor.drift import moments
from emotion_slm.monitor.inputs import Scored, read_parts
from emotion_slm.monitor.settings import Settings

SAMPLED = 200  # texts a period
LEAST_FOR_EACH = 5  # texts for each label, to know what labels explain


class Embedder(Protocol):
    """Gives (n, d) vectors of texts and their (n, labels) probabilities."""

    def embeddings(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]: ...


def embedded(
    scored: Scored,
    files: Sequence[Path],
    settings: Settings,
    labels: Sequence[str],
    embedder: Embedder,
    most: int,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """`drift.moments` of `most` texts of each cell, drawn by chance; None if all are too few.

    `files`, `labels`: what `scored` was read from.
    """
    rows = drawn(scored.place, most, rng)
    vectors, probabilities = embedder.embeddings(texts_at(rows, files, settings, labels))
    if len(rows) < LEAST_FOR_EACH * (probabilities.shape[1] + 1):
        return None
    left = unexplained(vectors, probabilities)
    return moments(left, scored.place[rows], len(scored.cells))


def drawn(place: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Rows in order, at most so many of each cell; `place`: (n,) the cell of each row."""
    shuffled = rng.permutation(len(place))
    order = shuffled[np.argsort(place[shuffled], kind="stable")]
    firsts = np.cumsum(np.bincount(place)) - np.bincount(place)
    rank = np.arange(len(place)) - firsts[place[order]]
    return np.sort(order[rank < most])


def texts_at(
    rows: np.ndarray, files: Sequence[Path], settings: Settings, labels: Sequence[str]
) -> list[str]:
    """The texts of these rows, in order, of all that can be used."""
    found: list[str] = []
    number = 0
    for part in read_parts(files, settings, labels, []):
        first, last = np.searchsorted(rows, (number, number + len(part.texts)))
        found += [part.texts[row - number] for row in rows[first:last].tolist()]
        number += len(part.texts)
    return found


def unexplained(vectors: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(n, d) unit vectors less what a linear model of (n, labels) probabilities says of them."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, 1e-12)
    known = np.column_stack([np.ones(len(units)), probabilities])
    return units - known @ np.linalg.lstsq(known, units, rcond=None)[0]
