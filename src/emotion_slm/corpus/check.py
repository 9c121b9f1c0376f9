"""What is wrong with a corpus, or odd in it: found in its rows and splits before any training.

An error ends the pipeline in stage fetch or split; a warning is for people to decide about. Each
kind of problem has a remedy of its own, by which they are listed together.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.description import Description
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.language import in_other_scripts
from emotion_slm.corpus.reading import Reading
from emotion_slm.corpus.split import Splits, duplicate_groups
from emotion_slm.corpus.tables import Problem

MOST_LABELS = 1_000  # a column with more distinct values holds something else
FEWEST_ROWS = 5  # of a split: calibration and thresholds are cross-validated in as many folds
FEW_ROWS = 200  # of test: with fewer the interval of macro-F1 is tenths wide
RARE = 0.1  # of a label's rows: a like spelling with fewer is taken for a slip
TYPO_LETTERS = 4  # shorter names are often one letter apart: `joy`, `toy`
SHOWN = 20  # problems of one kind in a message
# Control characters besides tabs and line ends, and what a wrong encoding leaves behind.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
DIGITS = re.compile(r"\d")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")

SAY_THE_SAME = "write both the same way in the file, unless they are two labels"
DECIDE = "decide on one set of labels; as it is, both rows stay on one side of the split"
NOTHING_NEW = "nothing to do: they stay on one side of the split; delete copies you do not want"


def check_rows(reading: Reading, description: Description) -> list[Problem]:
    """What reading found, then what the label names and the texts show."""
    frame = reading.frame
    if not len(frame):
        return [*reading.problems, _error("no row is left", "correct the rows, or add some")]
    return [
        *reading.problems,
        *_label_names(frame, reading.names, description),
        *_equal_texts(frame),
        *_texts(frame),
    ]


def check_splits(splits: Splits, labels: LabelSet) -> list[Problem]:
    """Splits that are too small, labels without a row in one, rows dropped as duplicates."""
    counts = {
        name: labels.to_matrix(part["labels"]).sum(axis=0) for name, part in splits.frames.items()
    }
    of_label = (
        _rows_of_label(label, {name: int(count[place]) for name, count in counts.items()})
        for place, label in enumerate(labels.names)
    )
    return [*_sizes(splits), *(problem for problem in of_label if problem)]


def refuse(problems: Iterable[Problem]) -> None:
    """EmotionSlmError with the errors among `problems`, if there are any."""
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        raise EmotionSlmError("\n".join(listed(errors)))


def listed(problems: Iterable[Problem]) -> Iterator[str]:
    """Each problem on a line, `place: reason`; those of one remedy together, SHOWN at most, then
    the remedy."""
    for remedy, alike in by_remedy(problems).items():
        yield from map(line, alike[:SHOWN])
        if len(alike) > SHOWN:
            yield f"… and {len(alike) - SHOWN:,} more"
        yield f"  → {remedy}"


def by_remedy(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Problems by their remedy, in the order in which these come first."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.remedy, []).append(problem)
    return found


def line(problem: Problem) -> str:
    """`tickets.csv:17: empty text`, without a place where it is the corpus as a whole."""
    return f"{problem.place}: {problem.reason}" if problem.place else problem.reason


def _error(reason: str, remedy: str, place: str = "") -> Problem:
    return Problem(place, None, None, reason, remedy, "error")


def _warning(reason: str, remedy: str, place: str = "") -> Problem:
    return Problem(place, None, None, reason, remedy, "warning")


def _label_names(frame, names: list[str], description: Description) -> Iterator[Problem]:
    if len(names) > MOST_LABELS:
        yield _error(
            f"{len(names):,} different labels in {len(frame):,} rows, such as {names[0]!r}",
            "this does not look like a column of labels: name another under `labels`, or its "
            f"`separator`; {MOST_LABELS:,} labels are the most",
        )
        return
    for name in names:
        if NUMBER.fullmatch(name):
            yield _warning(
                f"label {name!r} is a number",
                "write what it stands for: reports, cards and `predict` show the names alone",
            )
    counts = Counter(label for labels in frame["labels"] for label in labels)
    for rare, frequent in near_equal(counts):
        yield _warning(
            f"labels {rare!r} (rows: {counts[rare]:,}) and {frequent!r} ({counts[frequent]:,}) "
            "look like one",
            SAY_THE_SAME,
        )
    yield from (
        _warning(
            f"label {name!r} is on every row",
            "nothing can be learnt of it; leave it out, or add rows without it",
        )
        for name, count in counts.items()
        if count == len(frame)
    )


def near_equal(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Pairs of labels that may be one, the rarer first: equal but for case, blanks, punctuation or
    a plural, or one letter apart where one of them is rare."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    folded = {name: _singular(name) for name in names}
    for place, frequent in enumerate(names):
        for rare in names[place + 1 :]:
            one, other = folded[rare], folded[frequent]
            slip = counts[rare] <= max(1, RARE * counts[frequent]) and one_slip(one, other)
            if one == other or slip:
                yield rare, frequent


def _singular(name: str) -> str:
    letters = "".join(filter(str.isalnum, name.casefold()))
    return letters[:-1] if letters.endswith("s") and len(letters) > TYPO_LETTERS else letters


def one_slip(one: str, other: str) -> bool:
    """Whether one letter added, left out, changed, or changed places with the next, makes the one
    the other; of words of TYPO_LETTERS or more, and of the same digits."""
    if DIGITS.findall(one) != DIGITS.findall(other):
        return False
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < TYPO_LETTERS - 1:
        return False
    if max(len(one), len(other)) < TYPO_LETTERS:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    rest, others = one[start:], other[start:]
    swapped = rest[1::-1] + rest[2:]
    return rest[1:] == others[1:] or rest[1:] == others or rest == others[1:] or swapped == others


def _equal_texts(frame) -> Iterator[Problem]:
    groups = duplicate_groups(frame["text"])
    _, first, size = np.unique(groups, return_index=True, return_counts=True)
    places, labels = frame["place"].tolist(), frame["labels"].tolist()
    for row in np.flatnonzero((size[groups] > 1) & (first[groups] != np.arange(len(groups)))):
        before = first[groups[row]]
        one, other = sorted(labels[before]), sorted(labels[row])
        if one == other:
            yield _warning(f"same text as {places[before]}", NOTHING_NEW, places[row])
        else:
            yield _warning(
                f"same text as {places[before]} with other labels: {', '.join(one) or 'none'} "
                f"there, {', '.join(other) or 'none'} here",
                DECIDE,
                places[row],
            )


def _texts(frame) -> Iterator[Problem]:
    for text, place in zip(frame["text"], frame["place"], strict=True):
        if found := CONTROL.search(text):
            yield _warning(
                f"the text holds {found[0]!r}",
                "often a wrong encoding: export the file as UTF-8, and look at this row",
                place,
            )


def check_script(frame, script: str, reader: str) -> Iterator[Problem]:
    """Texts in another script than the one that the model named `reader` reads."""
    for row in in_other_scripts(frame["text"], script):
        yield _warning(
            "most letters are of another script",
            f"{reader} reads {script} letters: choose an encoder for these, or leave them out",
            frame["place"].iloc[row],
        )


def _sizes(splits: Splits) -> Iterator[Problem]:
    rows = {name: len(part) for name, part in splits.frames.items()}
    for name, count in rows.items():
        if count < FEWEST_ROWS:
            yield _error(f"{name} has {count} of the {FEWEST_ROWS} rows that it needs", "add rows")
    if FEWEST_ROWS <= rows["test"] < FEW_ROWS:
        yield _warning(
            f"test has {rows['test']} rows",
            "its scores will be uncertain, as their intervals show; label more when you can",
        )
    for name, count in splits.dropped.items():
        if count:
            yield _warning(
                f"{count:,} rows of {name} have the text of a row of a later split",
                "nothing to do: they are dropped, so that test stays unseen",
            )


def _rows_of_label(label: str, counts: dict[str, int]) -> Problem | None:
    lacking = " and ".join(name for name, count in counts.items() if not count)
    reason = f"label {label!r} (rows: {sum(counts.values()):,}) has none in {lacking}"
    if not counts["train"]:
        return _warning(
            reason, "it will never be predicted: label rows, or take it out of the labels"
        )
    if lacking:
        return _warning(
            reason,
            "its threshold stays a guess, or its score unknown: label more rows, or make it one "
            "with another label",
        )
    return None
