"""What is asked of the monitor, and what it decides by."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.monitor.periods import Every

ALL_TEXTS = "all texts"  # the group where --by names no column
# Before a period so many others are its reference: about a week of hours, four weeks of days.
REFERENCE = {Every.HOUR: 168, Every.DAY: 28, Every.WEEK: 8, Every.MONTH: 6}
LEAST_REFERENCE = 3  # periods; before so many there is nothing to compare with


class Settings(NamedTuple):
    """Columns by name; `labels` as asked for, empty for all.

    `reference`: how many periods before each, or the first and last day of a fixed window.
    `discoveries`: the most false ones among a period's alerts that Benjamini–Hochberg allows.
    """

    time: str
    every: Every = Every.WEEK
    by: str | None = None
    text: str = "text"
    cluster: str | None = None
    labels: tuple[str, ...] = ()
    reference: int | tuple[datetime, datetime] | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    least_texts: int = 100
    discoveries: float = 0.01
    latest: datetime = datetime.max.replace(tzinfo=UTC)
    seed: int = 3407


def chosen_labels(asked: tuple[str, ...], labels: LabelSet) -> tuple[str, ...]:
    """The labels watched: all, `targets`, a grouping's or those named.

    EmotionSlmError for a name that the model lacks.
    """
    if not asked or asked == ("all",):
        return labels.names
    if asked == ("targets",):
        return labels.targets
    for name in asked:
        if name not in labels.index:
            hint = did_you_mean(name, ("all", "targets", *labels.names))
            raise EmotionSlmError(f"--labels {name}: unknown to this model{hint}")
    return tuple(dict.fromkeys(asked))


def read_reference(text: str | None) -> int | tuple[datetime, datetime] | None:
    """`8`: so many periods before each; `2026-01-01..2026-02-28`: the periods that begin then, on
    the last day too.

    EmotionSlmError for anything else.
    """
    if text is None:
        return None
    if text.isdecimal() and int(text) >= LEAST_REFERENCE:
        return int(text)
    first, dots, last = text.partition("..")
    try:
        if dots:
            ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
            if len(last) <= len("2026-02-28"):  # the whole of that day
                ends = ends[0], ends[1].replace(hour=23, minute=59, second=59)
            if ends[0].tzinfo is None and ends[1].tzinfo is None and ends[0] <= ends[1]:
                return ends
    except ValueError:
        pass
    raise EmotionSlmError(
        f"--reference {text}: give a number of periods, at least {LEAST_REFERENCE}, or two dates "
        "as in 2026-01-01..2026-02-28"
    )


def read_zone(name: str) -> ZoneInfo:
    """EmotionSlmError for a time zone that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EmotionSlmError(f"--zone {name}: unknown; such are UTC and Europe/Berlin") from None


def tomorrow() -> datetime:
    """The latest time that is believed: clocks and zones differ, by less than a day."""
    return datetime.now(UTC) + timedelta(days=1)
