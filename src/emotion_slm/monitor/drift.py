"""Whether the texts themselves changed: their length, script, language, words, and embeddings.

A corrected share assumes that texts of one label look as they did; where texts changed, it is not
to be trusted. Each kind of change is measured as a distance between a period's texts and those
of its reference, of counts as the Jensen–Shannon divergence, and held against how far the
reference's own periods lie from each other.
"""

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np

from emotion_slm.corpus.language import NAMES, language_of_words

LANGUAGES = {code: place for place, code in enumerate(NAMES)}
NO_LANGUAGE = len(LANGUAGES)
LENGTHS, SCRIPTS, WORDS = 24, 12, 512  # bins
KINDS = {"length": LENGTHS, "script": SCRIPTS, "language": NO_LANGUAGE + 1, "words": WORDS}
EMBEDDINGS = "embeddings"  # a kind too, where texts were embedded
KNOWN_SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "CJK", "HIRAGANA", "KATAKANA",
    "HANGUL",
)  # fmt: skip
NO_LETTERS, OTHER = len(KNOWN_SCRIPTS), len(KNOWN_SCRIPTS) + 1
LETTERS = 200  # of a text, from its beginning, tell its script
DISTANT = 4.0  # standard deviations of the reference's own distances
LEAST_PERIODS = 4  # of a reference, to know how far apart its periods are
# A smaller excess is no change that anyone would see: in bits, of embeddings as they are measured.
FLOOR, FLOOR_OF_EMBEDDINGS = 0.02, 0.0002


class TextCounts:
    """Per cell counts of lengths, scripts, languages and hashed words; `counts[kind]` is (cells,
    bins)."""

    def __init__(self) -> None:
        self.counts = {kind: np.zeros((0, bins), np.int64) for kind, bins in KINDS.items()}

    def add(self, cells: Sequence[int], texts: Sequence[str]) -> None:
        """Count each of the `texts` in the cell beside it."""
        words = [text.lower().split() for text in texts]
        buckets = np.fromiter((bucket(word) for some in words for word in some), np.int64)
        self._count("words", np.repeat(cells, [len(some) for some in words]), buckets)
        self._count("language", cells, [language(some) for some in words])
        self._count("length", cells, [length_bin(len(text)) for text in texts])
        self._count("script", cells, [script(text) for text in texts])

    def _count(self, kind: str, cells: Sequence[int], places: Sequence[int]) -> None:
        if not len(cells):
            return
        bins, have = KINDS[kind], self.counts[kind]
        rows = max(len(have), max(cells) + 1)
        flat = np.bincount(np.asarray(cells) * bins + np.asarray(places), minlength=rows * bins)
        found = flat.reshape(rows, bins)
        found[: len(have)] += have
        self.counts[kind] = found

    def padded(self, cells: int) -> dict[str, np.ndarray]:
        """The counts with a row for each of `cells`."""
        return {
            kind: np.pad(have, ((0, cells - len(have)), (0, 0)))
            for kind, have in self.counts.items()
        }


@lru_cache(1 << 18)
def bucket(word: str) -> int:
    return crc32(word.encode(errors="replace")) % WORDS


def length_bin(characters: int) -> int:
    """Two bins per doubling."""
    return min(LENGTHS - 1, int(2 * math.log2(characters + 1)))


def language(words: list[str]) -> int:
    """The place in LANGUAGES of the language that the words look like, else NO_LANGUAGE."""
    return LANGUAGES.get(language_of_words(words) or "", NO_LANGUAGE)


def script(text: str) -> int:
    """The place in KNOWN_SCRIPTS of the script that most of the first letters belong to."""
    if text.isascii():
        return 0 if any(map(str.isalpha, text)) else NO_LETTERS
    letters = [character for character in text[:LETTERS] if character.isalpha()]
    if not letters:
        return NO_LETTERS
    scripts = [_script_of(letter) for letter in letters]
    return max(set(scripts), key=scripts.count)


@lru_cache(1 << 16)
def _script_of(letter: str) -> int:
    first = unicodedata.name(letter, "").split(" ")[0]
    return KNOWN_SCRIPTS.index(first) if first in KNOWN_SCRIPTS else OTHER


class Drift(NamedTuple):
    """How far a period's texts lie from those of its reference.

    `distance`: beyond what chance gives so many, in bits, or as `excess_distance` has it; `usual`:
    the mean distance of the reference's own periods from the rest of it; `changed`: whether the
    first is far beyond.
    """

    kind: str
    distance: float
    usual: float
    changed: bool


def drifts(tables: dict[str, np.ndarray], cell: int, reference: Sequence[int]) -> list[Drift]:
    """One per kind; none where the reference has too few periods to judge by.

    `tables`: by kind, rows by cell that add up over cells: counts, or `moments` of EMBEDDINGS.
    """
    if len(reference) < LEAST_PERIODS:
        return []
    found = []
    for kind, table in tables.items():
        measure, floor = excess_divergence, FLOOR
        if kind == EMBEDDINGS:
            measure, floor = excess_distance, FLOOR_OF_EMBEDDINGS
        parts = table[list(reference)]
        whole = parts.sum(axis=0)
        own = np.array([measure(part, whole - part) for part in parts])
        distance = measure(table[cell], whole)
        beyond = own.mean() + max(DISTANT * own.std(ddof=1), floor)
        found.append(Drift(kind, distance, float(own.mean()), bool(distance > beyond)))
    return found


def excess_divergence(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen–Shannon divergence of two (bins,) counts in bits, less what chance is to give it.

    The expected value under equality is (bins − 1) / (8 ln 2) · (1/n + 1/m) of bins that occur
    (Grosse et al. 2002); 0 where either is empty.
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return 0.0
    p, q = first / n, second / m
    middle = (p + q) / 2
    occurring = int((middle > 0).sum())
    chance = (occurring - 1) / (8 * math.log(2)) * (1 / n + 1 / m)
    return max(0.0, _divergence(p, middle) / 2 + _divergence(q, middle) / 2 - chance)


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())


def moments(vectors: np.ndarray, cells: np.ndarray, number: int) -> np.ndarray:
    """(number, d + 2) sums of each cell's vectors, their squared lengths, and how many they are."""
    rows = np.column_stack([vectors, (vectors**2).sum(axis=1), np.ones(len(vectors))])
    found = np.zeros((number, rows.shape[1]))
    np.add.at(found, cells, rows)
    return found


def excess_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Half the squared distance of two means, without bias, from (d + 2,) `moments`.

    Of unit vectors: the mean cosine distance between two samples, less that within them (maximum
    mean discrepancy of the linear kernel; Gretton et al. 2012). 0 where either has no two.
    """
    n, m = first[-1], second[-1]
    if n < 2 or m < 2:
        return 0.0
    one, other = first[:-2], second[:-2]
    within = (one @ one - first[-2]) / (n * (n - 1)) + (other @ other - second[-2]) / (m * (m - 1))
    return float(max(0.0, within / 2 - one @ other / (n * m)))
