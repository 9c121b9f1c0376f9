"""Train, validation and test: equal texts and groups stay together, labels are stratified.

A corpus with times is split by them instead.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import RAW_SPLITS, SPLITS
from emotion_slm.common.together import linked
from emotion_slm.corpus.labels import Corpus, LabelSet
from emotion_slm.corpus.params import Ratios, SplitParams

# What shows nothing of its own beyond the categories Cc, Cf, Cs and Me: the rest of Unicode's
# Default_Ignorable_Code_Point, the blank of Braille, and the skin tones of emoji.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
NO_LETTER = re.compile("[^0-9A-Za-z]+")
COLUMNS = ["id", "text", "labels", "official_split", "duplicate_group"]
FURTHER = ["group", "time"]  # columns that a corpus may have


class Splits(NamedTuple):
    """Frames by split name, and how many rows of each were dropped.

    Their columns are COLUMNS, and group and time where the corpus has them.
    """

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
    if text.isascii() and (letters := NO_LETTER.sub("", text)):
        return letters.lower()  # what the rest comes to, many times faster
    folded = _fold(text)
    while folded != text:  # a fold may bring in what the next one deletes: `½` becomes `1⁄2`
        text, folded = folded, _fold(folded)
    return folded


def duplicate_groups(texts: Iterable[str]) -> np.ndarray:
    """(n,) int64: one number per distinct normalised text, in order of first appearance."""
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(normalize(text), len(numbers)) for text in texts]
    return np.array(groups, dtype=np.int64)


def split(rows, corpus: Corpus, params: SplitParams, seed: int) -> Splits:
    """Split the rows of data/raw as `params` say. EmotionSlmError when a split would be empty."""
    if params.protocol == "official":
        splits = split_official(rows)
        remedy = (
            "`split.protocol: official` takes the splits that a corpus comes in: give a file each "
            "for train, validation and test in its description, or use `split.protocol: pooled`"
        )
    else:
        splits = split_pooled(rows, corpus.labels, params.ratios, seed)
        remedy = (
            f"{len(rows)} rows of {len(np.unique(joined(rows)))} texts and groups, which stay "
            "together, are too few; add rows, or leave out `group`"
        )
    empty = [name for name, frame in splits.frames.items() if not len(frame)]
    if empty:
        raise EmotionSlmError(f"{corpus.title}: no row is left for {' and '.join(empty)}; {remedy}")
    return splits


def split_pooled(rows, labels: LabelSet, ratios: Ratios, seed: int) -> Splits:
    """Split all rows anew; equal normalised texts stay together, and so do the rows of a group.

    `rows` has `id, text, labels, official_split`, perhaps `group` and `time`; its order is kept
    within each split. Without times the split is stratified: rows that stay together count as one
    sample that carries the union of their labels, but where they are of a group each row counts.
    With times the earliest rows are train's, the latest test's: rows that stay together count as
    the latest of them, so that train holds nothing later than what validation and test are of.
    """
    shares = np.array([getattr(ratios, name) for name in SPLITS])
    together = joined(rows)
    if "time" in rows:
        assigned = _by_time(rows["time"].to_numpy(), together, shares)
    else:
        gold = np.zeros((together.max() + 1, len(labels)), dtype=np.int64)
        np.add.at(gold, together, labels.to_matrix(rows["labels"]))
        if "group" in rows:
            assigned = _stratified_groups(gold, np.bincount(together), shares, seed)
        else:
            assigned = _stratified(gold > 0, shares, seed)
    rows = rows.assign(duplicate_group=duplicate_groups(rows["text"]))
    return Splits(
        frames={
            name: rows.loc[assigned[together] == index, _columns(rows)].reset_index(drop=True)
            for index, name in enumerate(SPLITS)
        },
        dropped=dict.fromkeys(SPLITS, 0),
    )


def joined(rows) -> np.ndarray:
    """(n,) int64: one number for the rows that must stay together, in order of first appearance.

    They are linked by equal normalised texts or by their group, perhaps through other rows; an
    empty group links nothing.
    """
    texts = duplicate_groups(rows["text"])
    return linked(texts, rows["group"]) if "group" in rows else texts


def _stratified(gold: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """(n,) split of each sample, by iterative stratification (Sechidis et al. 2011).

    `gold`: (n, labels) bool.
    """
    from iterstrat.ml_stratifiers import IterativeStratification
    from sklearn.utils import check_random_state

    random_state = check_random_state(seed)
    # The stratifier is greedy: samples it meets first go to the largest split, so it must not
    # meet them in corpus order.
    order = random_state.permutation(len(gold))
    assigned = np.empty(len(gold), dtype=np.int64)
    assigned[order] = IterativeStratification(gold[order], shares, random_state)
    return assigned


def _stratified_groups(
    gold: np.ndarray, sizes: np.ndarray, shares: np.ndarray, seed: int
) -> np.ndarray:
    """(n,) split of each group, whose rows carry labels `gold`, (n, labels) counts.

    In random order each goes where its labels lack most, of the splits that still lack rows: a
    group counts with all its rows, which iterative stratification cannot do.
    """
    counts = np.column_stack([gold, sizes])
    counts = counts / np.maximum(counts.sum(axis=0), 1)  # (n, labels + 1) shares of all rows
    lacking = np.repeat(shares[:, np.newaxis], counts.shape[1], axis=1)
    assigned = np.empty(len(counts), dtype=np.int64)
    for place in np.random.RandomState(seed).permutation(len(counts)):
        lacks_rows = lacking[:, -1] > 0
        assigned[place] = np.where(lacks_rows, lacking @ counts[place], -np.inf).argmax()
        lacking[assigned[place]] -= counts[place]
    return assigned


def _by_time(times: np.ndarray, together: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(groups,) split of the rows that stay together, by the latest of their (n,) `times`."""
    latest: dict[int, str] = {}
    for group, time in zip(together.tolist(), times, strict=True):
        latest[group] = max(time, latest.get(group, ""))
    order = np.array(sorted(latest, key=lambda group: (latest[group], group)))
    sizes = np.bincount(together)[order]
    middles = (np.cumsum(sizes) - sizes / 2) / len(times)
    assigned = np.empty(len(order), dtype=np.int64)
    assigned[order] = np.searchsorted(np.cumsum(shares)[:-1], middles, side="right")
    return assigned


def split_official(rows) -> Splits:
    """The corpus's own split without its leaks: test untouched, train and dev deduplicated.

    Rows of train and dev whose normalised text, or group, occurs in a later split are dropped.
    """
    rows = rows.assign(duplicate_group=duplicate_groups(rows["text"]))
    frames, dropped = {}, {}
    later: dict[str, set] = {
        "duplicate_group": set(),
        **({"group": set()} if "group" in rows else {}),
    }
    for raw, name in reversed(list(zip(RAW_SPLITS, SPLITS, strict=True))):
        frame = rows.loc[rows["official_split"] == raw, _columns(rows)]
        kept = np.ones(len(frame), dtype=bool)
        for column, known in later.items():
            kept &= ~frame[column].isin(known).to_numpy()
            known.update(value for value in frame[column] if value != "")
        frames[name] = frame[kept].reset_index(drop=True)
        dropped[name] = int((~kept).sum())
    return Splits({name: frames[name] for name in SPLITS}, dropped)


def _columns(rows) -> list[str]:
    return [*COLUMNS, *(column for column in FURTHER if column in rows)]


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
