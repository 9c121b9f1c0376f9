"""The numbers and tables of two runs side by side; a change is read against its interval."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.results import Numbers

Interval = tuple[float, float]
Table = list[dict[str, str]]

# What is compared: name, key in metrics/validation.json, key in metrics/test.json.
HEADLINE = (
    ("macro-F1", "macro_f1", "macro_f1"),
    ("macro-F1, cross-val.", "macro_f1_cross_validated", None),
    ("macro-F1, target labels", None, "macro_f1_targets"),
    ("macro-F1 at 0.5", None, "macro_f1_at_half"),
    ("micro-F1", "micro_f1", "micro_f1"),
    ("accuracy", "accuracy", "accuracy"),
    ("macro precision", None, "macro_precision"),
    ("macro recall", None, "macro_recall"),
    ("mean average precision", "map", "map"),
    ("AUROC", None, "auroc"),
    ("exact label sets", None, "exact_accuracy"),
    ("calibration error (ECE)", "ece", "ece"),
    ("Brier score", None, "brier"),
    ("NLL, cross-val.", "nll", None),
    ("NLL", None, "nll"),
    ("macro-F1, adapted head", None, "reference_macro_f1"),
)

SAME, NEW, GONE = "same", "new", "gone"
WITHIN, NO_INTERVAL = "within the interval", "no interval"
HIGHER, LOWER = "higher, beyond the interval", "lower, beyond the interval"


class Score(NamedTuple):
    """A metric at the base and now, None where it is absent, with 95 % intervals if it has any."""

    before: float | None
    after: float | None
    before_interval: Interval | None = None
    after_interval: Interval | None = None

    @property
    def delta(self) -> float | None:
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def reading(self) -> str:
        """Whether the change is more than the choice of rows explains.

        Within: one of the two scores lies in the interval of the other.
        """
        if self.before == self.after:
            return SAME
        if self.before is None:
            return NEW
        if self.after is None:
            return GONE
        if self.before_interval is None and self.after_interval is None:
            return NO_INTERVAL
        if _inside(self.after, self.before_interval) or _inside(self.before, self.after_interval):
            return WITHIN
        return HIGHER if self.after > self.before else LOWER


class Headline(NamedTuple):
    """A metric on validation, where experiments are chosen, and on test."""

    name: str
    validation: Score
    test: Score

    @property
    def changed(self) -> bool:
        return self.validation.reading != SAME or self.test.reading != SAME


class LabelScore(NamedTuple):
    """F1 of a label on test."""

    name: str
    f1: Score


class TableChange(NamedTuple):
    """Rows of a table that differ: by their first cells, each cell at the base and now.

    `keys` are the columns that name a row, `columns` the others; a cell that is not there is empty.
    """

    path: Path
    keys: list[str]
    columns: list[str]
    rows: list[tuple[tuple[str, ...], list[tuple[str, str]]]]


def headline(validation: tuple[Numbers, Numbers], test: tuple[Numbers, Numbers]) -> list[Headline]:
    """The metrics of HEADLINE that a file of either side has; each pair is base and now."""
    rows = [
        Headline(name, _score(validation, in_validation), _score(test, in_test))
        for name, in_validation, in_test in HEADLINE
    ]
    nothing = Score(None, None)
    return [row for row in rows if (row.validation, row.test) != (nothing, nothing)]


def labels(base: Table, now: Table) -> list[LabelScore]:
    """F1 of each label of metrics/plots/per_label.csv that both sides have, in the order of now."""
    before = {row.get("label"): row for row in base}
    return [
        LabelScore(row["label"], _f1(before[row["label"]], row))
        for row in now
        if row.get("label") in before
    ]


def table_change(path: Path, base: Table, now: Table) -> TableChange:
    """What differs between two tables; a row is named by its first cell, or by its first two."""
    header = list(dict.fromkeys(name for row in [*now, *base] for name in row))
    first = [row.get(header[0]) for row in now]
    width = 1 if len(set(first)) == len(first) else 2
    sides = [
        {tuple(row.get(name, "") for name in header[:width]): row for row in rows}
        for rows in (base, now)
    ]
    columns, rows = header[width:], []
    for key in dict.fromkeys([*sides[1], *sides[0]]):
        before, after = (side.get(key, {}) for side in sides)
        if before != after:
            rows.append((key, [(before.get(name, ""), after.get(name, "")) for name in columns]))
    return TableChange(path, header[:width], columns, rows)


def _score(sides: tuple[Numbers, Numbers], key: str | None) -> Score:
    if key is None:
        return Score(None, None)
    values = (side.get(key) for side in sides)
    intervals = (_interval(side, key) for side in sides)
    return Score(*values, *intervals)


def _interval(numbers: Mapping[str, float], key: str) -> Interval | None:
    ends = (numbers.get(f"{key}_low"), numbers.get(f"{key}_high"))
    return None if None in ends else ends


def _f1(before: Mapping[str, str], after: Mapping[str, str]) -> Score:
    try:
        numbers = tuple(
            {name: float(row[name]) for name in ("f1", "f1_low", "f1_high") if name in row}
            for row in (before, after)
        )
    except ValueError as error:
        raise EmotionSlmError(
            f"per_label.csv: {after['label']}: not a number ({error}); `dvc repro` writes it anew"
        ) from error
    return _score(numbers, "f1")


def _inside(value: float, interval: Interval | None) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]
