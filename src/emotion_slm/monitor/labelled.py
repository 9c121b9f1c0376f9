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
from emotion_slm.scoring.label_groups import LabelGroups

# The column of human labels: between them commas or semicolons, blanks if no label holds one.
HUMAN = "human"
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
    path: Path,
    scored: Scored,
    settings: Settings,
    columns: LabelGroups,
    labels: Sequence[str],
    known: Sequence[str],
) -> list[PoweredShare]:
    """One per column; `labels`: those whose probabilities are read; people may give any of the
    `known`. The labelled texts must be a random sample of all that were scored in their periods.
    EmotionSlmError names what is wrong with the file."""
    probabilities, gold, periods = _read(path, settings, columns, labels, known)
    first, last = min(periods), max(periods)
    cells = [place for place, cell in enumerate(scored.cells) if first <= cell.period <= last]
    rows = np.isin(scored.place, cells)
    if not rows.any():
        raise EmotionSlmError(f"{path}: its texts are of no period that the scored files cover")
    everything = columns.probabilities(scored.probabilities[rows].astype(np.float64))
    found = powered_shares(everything, probabilities, gold)
    return [
        PoweredShare(label, len(gold), *map(float, values))
        for label, *values in zip(
            columns.names, gold.mean(axis=0), everything.mean(axis=0), *found, strict=True
        )
    ]


def _read(
    path: Path,
    settings: Settings,
    watched: LabelGroups,
    labels: Sequence[str],
    known: Sequence[str],
):
    """(n, columns) probabilities and gold, and the period of each labelled text."""
    columns = columns_of(path, settings)
    if columns.count(HUMAN) > 1:
        raise EmotionSlmError(f"{path}: two columns are called {HUMAN!r}; rename one")
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
    places = {name: place for place, name in enumerate(labels)}
    for row, value in enumerate(given):
        names = _names(value, known)
        if watched.single and len(names) != 1:
            raise EmotionSlmError(
                f"{path}: row {row + 1}: column {HUMAN!r} holds {len(names)} labels; a text has "
                "exactly one of this model's"
            )
        for name in names:
            if name not in known:  # counted as no label, it would bias the share
                raise EmotionSlmError(
                    f"{path}: row {row + 1}: column {HUMAN!r} holds {name!r}, no label"
                    f"{did_you_mean(name, known)}"
                )
            if name in places:
                gold[row, places[name]] = 1
    probabilities = np.concatenate([part.probabilities for part in parts]).astype(np.float64)
    periods = [begin(time, settings.every) for part in parts for time in part.times]
    held = np.stack([gold[:, members].any(axis=1) for members in watched.members], axis=1)
    return watched.probabilities(probabilities), held.astype(np.float64), periods


def _names(value: object, known: Sequence[str]) -> list[str]:
    """The labels that a field holds; what some label's name holds separates none."""
    if isinstance(value, list):
        return [str(name) for name in value]
    together = "".join(known)
    marks = [mark for mark in ",;|" if mark not in together]
    blank = r"" if any(map(str.isspace, together)) else r"\s"
    parts = re.split(f"[{''.join(marks)}{blank}]+", str(value or ""))
    return [name.strip() for name in parts if name.strip()]
