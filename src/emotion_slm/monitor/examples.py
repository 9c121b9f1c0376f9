"""Texts of an alert, read again, and the words that carry it."""

import heapq
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.explain.occlusion import explain
from emotion_slm.monitor.estimates import Classifier
from emotion_slm.monitor.inputs import Cell, read_parts
from emotion_slm.monitor.periods import begin
from emotion_slm.monitor.settings import Settings
from emotion_slm.scoring.formats import encodable
from emotion_slm.scoring.label_groups import LabelGroups
from emotion_slm.scoring.run import Scorer

SHOWN = 5  # texts of an alert, the most probable ones
SAMPLED = 40  # texts whose words are left out one by one
CARRIES = 0.1  # a word that raises the probability by so much carries the label
LISTED = 12
SIGN = re.compile(r"[.,;:()\[\]'\"-]+")  # punctuation that means nothing by itself
TEXT_CHARACTERS = 400


class Wanted(NamedTuple):
    """The cells of an alert, and the place of its label among those watched."""

    cells: frozenset[Cell]
    label: int


class Example(NamedTuple):
    probability: float
    text: str


class Carrier(NamedTuple):
    """A word, in how many of the sampled texts it carries the label, in how many of these the label
    would not be given without it, and by how much it raises the probability on average."""

    word: str
    texts: int
    decisive: int
    change: float


class Evidence(NamedTuple):
    """Of one alert: its most probable texts, carriers, and of how many texts these are."""

    examples: list[Example]
    carriers: list[Carrier]
    sampled: int


def collect(
    files: Sequence[Path],
    settings: Settings,
    labels: Sequence[str],
    classifier: Classifier,
    alerts: Sequence[Wanted],
    rng: np.random.Generator,
) -> list[tuple[list[Example], list[str]]]:
    """Per alert its SHOWN most probable texts, and SAMPLED of those to which its label is given.

    `labels`: those whose probabilities are read.
    """
    best: list[list[tuple[float, int, str]]] = [[] for _ in alerts]
    sample: list[list[tuple[float, str]]] = [[] for _ in alerts]
    of_cell: dict[Cell, list[int]] = {}
    for place, alert in enumerate(alerts):
        for cell in alert.cells:
            of_cell.setdefault(cell, []).append(place)
    number = 0
    for part in read_parts(files, settings, labels, []):
        watched = classifier.columns.probabilities(part.probabilities)
        given = classifier.given(part.probabilities)
        rows = zip(part.times, part.groups, part.texts, watched, given, strict=True)
        for time, group, text, probabilities, held in rows:
            number += 1
            for place in of_cell.get(Cell(begin(time, settings.every), group), ()):
                value = float(probabilities[alerts[place].label])
                if all(text != shown for _, _, shown in best[place]):
                    _keep(best[place], (value, -number, text), SHOWN)
                if held[alerts[place].label]:
                    _keep(sample[place], (rng.random(), text), SAMPLED)
    return [
        ([Example(value, text[:TEXT_CHARACTERS]) for value, _, text in sorted(top, reverse=True)],
         [text for _, text in sorted(some)])
        for top, some in zip(best, sample, strict=True)
    ]  # fmt: skip


def _keep(heap: list, item: tuple, most: int) -> None:
    """Let `heap` hold the `most` greatest items."""
    if len(heap) < most:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def carriers(
    texts: Sequence[str], label: int, scorer: Scorer, columns: LabelGroups
) -> list[Carrier]:
    """The words that carry the label in most of the `texts`; `label` is a place in `columns`, whose
    members are places among the scorer's labels.

    A word counts once a text, whatever its capitals; a word of one text alone is left out where
    others are of several.
    """
    texts_of: Counter[str] = Counter()
    decisive_of: Counter[str] = Counter()
    change_of: Counter[str] = Counter()
    for one in explain(texts, scorer, columns):
        found: dict[str, tuple[float, bool]] = {}
        falls = one.decisive(label)
        for place, change in enumerate(one.changes(label)):
            word = encodable(one.word(place)).lower()
            carries = change >= CARRIES and not SIGN.fullmatch(word)
            if carries and change > found.get(word, (0.0, False))[0]:
                found[word] = (float(change), bool(falls[place]))
        for word, (change, fell) in found.items():
            texts_of[word] += 1
            decisive_of[word] += fell
            change_of[word] += change
    several = [word for word in texts_of if texts_of[word] > 1] or list(texts_of)
    ranked = sorted(several, key=lambda word: (-texts_of[word], -change_of[word], word))
    return [
        Carrier(word, texts_of[word], decisive_of[word], change_of[word] / texts_of[word])
        for word in ranked[:LISTED]
    ]
