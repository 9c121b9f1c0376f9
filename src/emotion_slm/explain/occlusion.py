"""Words left out one at a time: how far each one moves a label's calibrated probability.

Occlusion (Zeiler and Fergus 2014; Li, Monroe and Jurafsky 2016) asks the classifier alone, so
PyTorch and ONNX are explained alike. Changes of single words do not add up to the probability: two
words that say the same stand in for each other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unicodedata import category

import numpy as np

from emotion_slm.scoring.label_groups import ALL, LabelGroups, known_label_groups
from emotion_slm.scoring.run import Scorer

# Accents and vowel signs that stand upon a letter: to Python they are no part of a word.
MARKS = "".join(one for one in map(chr, range(0x300, 0x10000)) if category(one)[0] == "M")
LETTERS = rf"[^\W_](?:[^\W_]|[{MARKS}])*"
# A word with its apostrophes and hyphens, or a run of signs such as !!! or an emoji.
WORD = re.compile(rf"{LETTERS}(?:['’\-]{LETTERS})*|[^\w\s]+|_+")
MOST_WORDS = 200  # of a text; encoders read no more


class Span(NamedTuple):
    """Where a word stands in its text."""

    begin: int
    end: int


class Explanation(NamedTuple):
    """A text, its words, (labels,) probabilities of it, and (words, labels) without each word;
    `given`, `given_without`: of the same shapes, whether the label is given."""

    text: str
    words: list[Span]
    whole: np.ndarray
    without: np.ndarray
    given: np.ndarray
    given_without: np.ndarray

    def word(self, place: int) -> str:
        return self.text[slice(*self.words[place])]

    def changes(self, label: int) -> np.ndarray:
        """(words,) by how much each word raises the label's probability; negative: lowers it."""
        return self.whole[label] - self.without[:, label]

    def decisive(self, label: int) -> np.ndarray:
        """(words,) bool: whether the label is given, and would not be without the word."""
        return self.given[label] & ~self.given_without[:, label]


def words_of(text: str) -> list[Span]:
    """The first MOST_WORDS words."""
    found = (Span(*match.span()) for match in WORD.finditer(text))
    return [span for _, span in zip(range(MOST_WORDS), found, strict=False)]


def left_out(text: str, word: Span) -> str:
    """The text without a word, and without the blank that then stands twice."""
    before, after = text[: word.begin], text[word.end :]
    return before + (after.lstrip() if not before or before[-1].isspace() else after)


def explain(
    texts: Sequence[str], scorer: Scorer, columns: LabelGroups | None = None
) -> list[Explanation]:
    """One explanation per text, in order; a text of n words costs n + 1 to score.

    `columns`: what is explained, labels or groups of them; by default each label.
    """
    columns = columns or known_label_groups(ALL, scorer.labels)
    words = [words_of(text) for text in texts]
    variants = [
        one
        for text, spans in zip(texts, words, strict=True)
        for one in (text, *(left_out(text, span) for span in spans))
    ]
    of_labels = scorer.probabilities(variants)
    scores = columns.probabilities(of_labels)
    given = columns.reached(of_labels, scorer.thresholds, None)
    found, row = [], 0
    for text, spans in zip(texts, words, strict=True):
        after = slice(row + 1, row + 1 + len(spans))
        found.append(Explanation(text, spans, scores[row], scores[after], given[row], given[after]))
        row = after.stop
    return found


def labels_to_show(explanation: Explanation, asked: Sequence[int] = ()) -> list[int]:
    """Those asked for; else those given, most probable first, or the most probable one."""
    if asked:
        return list(asked)
    order = np.argsort(-explanation.whole, kind="stable")
    given = [int(label) for label in order if explanation.given[label]]
    return given or [int(order[0])]


class Piece(NamedTuple):
    """A part of a text: a word with its change, or what stands between words."""

    text: str
    change: float = 0.0
    decisive: bool = False


def pieces(explanation: Explanation, label: int) -> Iterator[Piece]:
    """The whole text, word by word."""
    changes, decisive = explanation.changes(label), explanation.decisive(label)
    end = 0
    for span, change, falls in zip(explanation.words, changes, decisive, strict=True):
        if span.begin > end:
            yield Piece(explanation.text[end : span.begin])
        yield Piece(explanation.text[slice(*span)], float(change), bool(falls))
        end = span.end
    if end < len(explanation.text):
        yield Piece(explanation.text[end:])
