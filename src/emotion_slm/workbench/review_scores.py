"""The scores of two runs side by side, each change read against its bootstrap interval."""

from collections.abc import Mapping
from typing import NamedTuple

from emotion_slm.corpus.labels import TARGETS
from emotion_slm.evaluation.tables import label_order

Interval = tuple[float, float]

# Headline metrics of metrics/test.json: key, name, key of the interval.
HEADLINE = (
    ("macro_f1", "macro-F1", "intervals.macro_f1"),
    ("target.macro_f1", f"macro-F1, {len(TARGETS)} targets", "intervals.target_macro_f1"),
    ("micro_f1", "micro-F1", "intervals.micro_f1"),
    ("at_0_5.macro_f1", "macro-F1 at 0.5", None),
    ("macro_precision", "macro precision", None),
    ("macro_recall", "macro recall", None),
    ("map", "mean average precision", None),
    ("auroc", "AUROC", None),
    ("exact_accuracy", "exact label sets", None),
    ("lrap", "label ranking AP", None),
    ("hamming_loss", "Hamming loss", None),
    ("ece", "calibration error (ECE)", None),
    ("brier", "Brier score", None),
    ("ekman.macro_f1", "macro-F1, Ekman groups", None),
    ("sentiment.macro_f1", "macro-F1, sentiments", None),
    ("reference.adapt_head.macro_f1", "adaptation's head: macro-F1",
     "reference.adapt_head.intervals.macro_f1"),
)  # fmt: skip

SAME, NEW, GONE = "same", "new", "gone"
WITHIN, NO_INTERVAL = "within the interval", "no interval"
HIGHER, LOWER = "higher, beyond the interval", "lower, beyond the interval"


class Score(NamedTuple):
    """A metric at the base and now, None where it is absent, with 95 % intervals if it has any."""

    name: str
    before: float | None
    after: float | None
    before_interval: Interval | None
    after_interval: Interval | None

    @property
    def delta(self) -> float | None:
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def reading(self) -> str:
        """Whether the change is more than the choice of test rows explains.

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


def headline(before: Mapping | None, after: Mapping | None) -> list[Score]:
    """Headline metrics of metrics/test.json that either side has."""
    rows = [_score(name, key, interval, before, after) for key, name, interval in HEADLINE]
    return [row for row in rows if row.before is not None or row.after is not None]


def labels(before: Mapping | None, after: Mapping | None) -> list[Score]:
    """F1 of each label of metrics/test.json, the target emotions first."""
    rows = [
        _score(label, f"per_label.{label}.f1", f"per_label.{label}.f1_interval", before, after)
        for label in label_order()
    ]
    return [row for row in rows if row.before is not None or row.after is not None]


def _score(
    name: str, key: str, interval: str | None, before: Mapping | None, after: Mapping | None
) -> Score:
    sides = (before or {}, after or {})
    values = [_number(_at(side, key)) for side in sides]
    intervals = [_span(_at(side, interval)) if interval else None for side in sides]
    return Score(name, *values, *intervals)


def _at(content: Mapping, key: str) -> object:
    """The value under a key written with dots, None where there is none."""
    value: object = content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _span(value: object) -> Interval | None:
    if not isinstance(value, list) or len(value) != 2 or None in map(_number, value):
        return None
    return value[0], value[1]


def _inside(value: float, interval: Interval | None) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]
