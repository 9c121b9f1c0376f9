"""Shares that a small sample with human labels makes right, whatever the classifier is worth."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.monitor.inputs import Scored, Unread, columns_of, read_parts
from emotion_slm.monitor.periods import begin
from emotion_slm.monitor.settings import Settings
from emotion_slm.monitor.shares import powered_shares

HUMAN = "human"  # the column of human labels: names with blanks, commas or semicolons between
LEAST = 50  # labelled texts; an interval by the normal law needs some


class PoweredShare(NamedTuple):
    """A label's share over the periods of the labelled texts: by people alone, by the classifier's
    mean alone, and by both together with its 95 % interval."""

    label: str
    labelled: int
    human: float
    mean: float
    share: float
    low: float
    high: float


def powered(
    path: Path, scored: Scored, settings: Settings, labels: Sequence[str]
) -> list[PoweredShare]:
    """One per label. The labelled texts must be a random sample of all that were scored in their
    periods. EmotionSlmError names what is wrong with the file."""
    probabilities, gold, periods = _read(path, settings, labels)
    first, last = min(periods), max(periods)
    cells = [place for place, cell in enumerate(scored.cells) if first <= cell.period <= last]
    rows = np.isin(scored.place, cells)
    if not rows.any():
        raise EmotionSlmError(f"{path}: its texts are of no period that the scored files cover")
    everything = scored.probabilities[rows].astype(np.float64)
    found = powered_shares(everything, probabilities, gold)
    return [
        PoweredShare(label, len(gold), *map(float, values))
        for label, *values in zip(
            labels, gold.mean(axis=0), everything.mean(axis=0), *found, strict=True
        )
    ]


def _read(path: Path, settings: Settings, labels: Sequence[str]):
    """(n, labels) probabilities and gold, and the period of each labelled text."""
    columns = columns_of(path, settings)
    if HUMAN not in columns:
        raise EmotionSlmError(
            f"{path}: no column {HUMAN!r}{did_you_mean(HUMAN, columns)}; it holds the labels that "
            "people gave, with blanks between"
        )
    unread: list[Unread] = []
    parts = list(read_parts([path], settings, labels, unread, HUMAN))
    if unread:
        raise EmotionSlmError(f"{path}: row {unread[0].row}: {unread[0].reason}")
    given = [value for part in parts for value in part.others]
    if len(given) < LEAST:
        raise EmotionSlmError(f"{path}: {len(given)} labelled texts; label at least {LEAST}")
    gold = np.zeros((len(given), len(labels)))
    for row, value in enumerate(given):
        for name in _names(value):
            if name in labels:
                gold[row, list(labels).index(name)] = 1
    unknown = {name for value in given for name in _names(value)} - set(labels)
    if unknown and not gold.any():
        name = min(unknown)
        raise EmotionSlmError(
            f"{path}: column {HUMAN!r} holds {name!r}, no label{did_you_mean(name, labels)}"
        )
    probabilities = np.concatenate([part.probabilities for part in parts]).astype(np.float64)
    periods = [begin(time, settings.every) for part in parts for time in part.times]
    return probabilities, gold, periods


def _names(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(name) for name in value]
    return [name for name in re.split(r"[\s,;]+", str(value or "")) if name]
