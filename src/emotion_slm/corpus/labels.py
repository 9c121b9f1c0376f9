"""GoEmotions' 28 labels, in the order of every label axis in this project, and their groupings.

Sources: Demszky et al. 2020 (labels, Ekman and sentiment groups); Koráb 2026 (the 15 targets).
"""

from collections.abc import Iterable

import numpy as np

from emotion_slm.common.errors import EmotionSlmError, did_you_mean

LABELS: tuple[str, ...] = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion",
    "curiosity", "desire", "disappointment", "disapproval", "disgust", "embarrassment",
    "excitement", "fear", "gratitude", "grief", "joy", "love", "nervousness", "optimism",
    "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
NEUTRAL = "neutral"
LABEL_INDEX: dict[str, int] = {label: index for index, label in enumerate(LABELS)}

TARGETS: tuple[str, ...] = (
    "fear", "sadness", "disgust", "disapproval", "annoyance", "anger", "disappointment",
    "optimism", "amusement", "surprise", "admiration", "excitement", "confusion", "joy", "love",
)  # fmt: skip

# Neutral belongs to no group.
EKMAN: dict[str, tuple[str, ...]] = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism", "relief",
        "pride", "admiration", "desire", "caring",
    ),
    "sadness": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("surprise", "realization", "confusion", "curiosity"),
}  # fmt: skip
SENTIMENT: dict[str, tuple[str, ...]] = {
    "positive": (
        "amusement", "excitement", "joy", "love", "desire", "optimism", "caring", "pride",
        "admiration", "gratitude", "relief", "approval",
    ),
    "negative": (
        "fear", "nervousness", "remorse", "embarrassment", "disappointment", "sadness", "grief",
        "disgust", "anger", "annoyance", "disapproval",
    ),
    "ambiguous": ("realization", "surprise", "curiosity", "confusion"),
}  # fmt: skip


def known_label(name: str) -> str:
    """Return `name` unchanged, or raise EmotionSlmError naming the nearest label."""
    if name not in LABEL_INDEX:
        raise EmotionSlmError(f"unknown label {name!r}{did_you_mean(name, LABELS)}")
    return name


def to_matrix(label_lists: Iterable[Iterable[str]]) -> np.ndarray:
    """Label names per row → (n, 28) int8 indicator matrix."""
    rows = [[LABEL_INDEX[known_label(name)] for name in names] for names in label_lists]
    matrix = np.zeros((len(rows), len(LABELS)), dtype=np.int8)
    for row, columns in enumerate(rows):
        matrix[row, columns] = 1
    return matrix


def to_names(matrix: np.ndarray) -> list[list[str]]:
    """(n, 28) indicator matrix → label names per row, in label order."""
    return [[LABELS[column] for column in np.flatnonzero(row)] for row in np.asarray(matrix)]
