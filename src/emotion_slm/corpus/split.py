"""Train, validation and test: grouped by duplicate text, stratified by label."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from emotion_slm.common.paths import RAW_SPLITS, SPLITS
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.params import Ratios

# What shows nothing of its own beyond the categories Cc, Cf, Cs and Me: the rest of Unicode's
# Default_Ignorable_Code_Point, the blank of Braille, and the skin tones of emoji.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
COLUMNS = ["id", "text", "labels", "official_split", "duplicate_group"]


class Splits(NamedTuple):
    """Frames with COLUMNS by split name, and how many rows of each were dropped."""

    frames: dict
    dropped: dict[str, int]


def normalize(text: str) -> str:
    """What two texts must share to count as equal: their letters and digits, case-folded.

    White space, punctuation, symbols and whatever shows nothing of its own go: joiners, variation
    selectors, soft hyphens, bidi marks, tags, skin tones, control characters, marks on a character
    that is deleted. Compatible forms are one (NFKC): `ﬁ` and `fi`, `é` composed or not.
    A text without a letter or digit (`:(`, a lone emoji) keeps punctuation and symbols: what is
    left of it otherwise, often nothing, would make all such texts duplicates of each other.
    """
    folded = _fold(text)
    while folded != text:  # a fold may bring in what the next one deletes: `½` becomes `1⁄2`
        text, folded = folded, _fold(folded)
    return folded


def duplicate_groups(texts: Iterable[str]) -> np.ndarray:
    """(n,) int64: one number per distinct normalised text, in order of first appearance."""
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(normalize(text), len(numbers)) for text in texts]
    return np.array(groups, dtype=np.int64)


def split_pooled(corpus, labels: LabelSet, ratios: Ratios, seed: int) -> Splits:
    """Split all rows anew by iterative stratification; equal normalised texts stay together.

    `corpus` has `id, text, labels, official_split`; rows keep its order within each split. A
    duplicate group counts as one sample that carries the union of its rows' labels.
    """
    from iterstrat.ml_stratifiers import IterativeStratification
    from sklearn.utils import check_random_state

    groups = duplicate_groups(corpus["text"])
    gold = np.zeros((groups.max() + 1, len(labels)), dtype=np.int64)
    np.add.at(gold, groups, labels.to_matrix(corpus["labels"]))
    shares = np.array([getattr(ratios, name) for name in SPLITS])
    random_state = check_random_state(seed)
    # The stratifier is greedy: samples it meets first go to the largest split, so it must not
    # meet them in corpus order.
    order = random_state.permutation(len(gold))
    assigned = np.empty(len(gold), dtype=np.int64)
    assigned[order] = IterativeStratification(gold[order] > 0, shares, random_state)
    rows = corpus.assign(duplicate_group=groups)
    return Splits(
        frames={
            name: rows.loc[assigned[groups] == index, COLUMNS].reset_index(drop=True)
            for index, name in enumerate(SPLITS)
        },
        dropped=dict.fromkeys(SPLITS, 0),
    )


def split_official(corpus) -> Splits:
    """The corpus's own split without its leaks: test untouched, train and dev deduplicated.

    Rows of train and dev whose normalised text occurs in a later split are dropped.
    """
    rows = corpus.assign(duplicate_group=duplicate_groups(corpus["text"]))
    frames, dropped = {}, {}
    later: set[int] = set()
    for raw, name in reversed(list(zip(RAW_SPLITS, SPLITS, strict=True))):
        frame = rows.loc[rows["official_split"] == raw, COLUMNS]
        kept = ~frame["duplicate_group"].isin(later)
        later.update(frame["duplicate_group"])
        frames[name] = frame[kept].reset_index(drop=True)
        dropped[name] = int((~kept).sum())
    return Splits({name: frames[name] for name in SPLITS}, dropped)


def summary(splits: Splits) -> dict[str, int]:
    """The content of metrics/split.json: rows of each split, and counts over all of them.

    `dropped`: rows of no split; `duplicates`: rows beyond the first of their duplicate group in
    their split; `near_duplicates`: texts that are equal once normalised and runs of one character
    shortened to one, found in more than one split.
    """
    frames = splits.frames
    letters = [frame["text"].map(_without_repeats) for frame in frames.values()]
    repeated = [frame["duplicate_group"].duplicated().sum() for frame in frames.values()]
    return {
        **{name: len(frame) for name, frame in frames.items()},
        "dropped": sum(splits.dropped.values()),
        "duplicates": int(sum(repeated)),
        "near_duplicates": _shared(letters),
    }


def _fold(text: str) -> str:
    kinds = [_kind(character) for character in text]
    if "letter" in kinds:
        kept, based = [], False
        for character, kind in zip(text, kinds, strict=True):
            if kind == "letter" or (kind == "mark" and based):
                kept.append(character)
            if kind not in ("invisible", "mark"):
                based = kind == "letter"
    else:
        kept = [c for c, kind in zip(text, kinds, strict=True) if kind in ("mark", "symbol")]
    composed = unicodedata.normalize("NFKC", "".join(kept))
    return unicodedata.normalize("NFKC", composed.casefold())


@cache
def _kind(character: str) -> str:
    """`space`, `invisible`, `letter` (or digit), `mark`, or `symbol` (punctuation and the rest)."""
    if INVISIBLE.match(character):
        return "invisible"
    category = unicodedata.category(character)
    if category[0] == "Z" or character.isspace():
        return "space"
    if category in ("Cc", "Cf", "Cs", "Me"):
        return "invisible"
    return {"L": "letter", "N": "letter", "M": "mark"}.get(category[0], "symbol")


def _without_repeats(text: str) -> str:
    normalized = normalize(text)
    return "".join(
        character
        for position, character in enumerate(normalized)
        if position == 0 or character != normalized[position - 1]
    )


def _shared(columns: Iterable) -> int:
    """How many values occur in more than one of `columns`."""
    found = Counter(value for column in columns for value in set(column))
    return sum(1 for count in found.values() if count > 1)
