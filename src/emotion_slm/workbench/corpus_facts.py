"""What a corpus consists of, in numbers: labels, which go together, lengths, splits."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.language import evenly
from emotion_slm.corpus.split import Splits

MEASURED = 20_000  # texts whose tokens are counted
PAIRS = 10  # that are shown


class Lengths(NamedTuple):
    """Of texts, in `unit`s: the shortest, the median, the 95th percentile, the longest."""

    unit: str
    shortest: int
    median: int
    most: int
    longest: int


class Counting(NamedTuple):
    """A unit of length, and what counts those of texts."""

    unit: str
    count: Callable[[list[str]], list[int]]


WORDS = Counting("words", lambda texts: [len(text.split()) for text in texts])


class Facts(NamedTuple):
    """`counts`: rows of each label, in label order, by split; `per_row`: rows by how many labels
    they have; `pairs`: labels on the same row, the most frequent first, with their rows."""

    rows: int
    names: tuple[str, ...]
    counts: dict[str, np.ndarray]
    sizes: dict[str, int]
    per_row: dict[int, int]
    pairs: list[tuple[str, str, int]]
    lengths: list[Lengths]


def facts(frame, splits: Splits, labels: LabelSet, counter: Counting) -> Facts:
    """Of the rows in `frame` and of the splits made of them."""
    pairs = Counter(
        pair
        for row in frame["labels"]
        if len(row) > 1
        for pair in combinations(sorted(row, key=labels.index.__getitem__), 2)
    )
    texts = frame["text"].tolist()
    lengths = [
        _lengths("characters", [len(text) for text in texts]),
        _lengths(counter.unit, counter.count(evenly(texts, MEASURED))),
    ]
    return Facts(
        rows=len(frame),
        names=labels.names,
        counts={
            name: labels.to_matrix(part["labels"]).sum(axis=0)
            for name, part in splits.frames.items()
        },
        sizes={name: len(part) for name, part in splits.frames.items()},
        per_row=dict(sorted(Counter(map(len, frame["labels"])).items())),
        pairs=[(*pair, count) for pair, count in pairs.most_common(PAIRS)],
        lengths=lengths,
    )


def _lengths(unit: str, found: list[int]) -> Lengths:
    values = np.array(found)
    median, most = np.quantile(values, [0.5, 0.95])
    return Lengths(unit, int(values.min()), round(median), round(most), int(values.max()))
