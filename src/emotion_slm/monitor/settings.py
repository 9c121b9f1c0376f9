"""What is asked of the monitor, and what it decides by."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.monitor.periods import Every
from emotion_slm.scoring.label_groups import ALL, TARGETS, LabelGroups, known_label_groups

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


def watched_columns(asked: tuple[str, ...], labels: LabelSet) -> LabelGroups:
    """What is watched, by places among `labels`: all labels, the targets, those named, or the
    groups of a grouping, as `predict --labels` has them.

    EmotionSlmError for a name that the model lacks.
    """
    groupings = (ALL, TARGETS, *labels.groups)
    if not asked:
        return known_label_groups(ALL, labels)
    if len(asked) == 1 and asked[0] in groupings and asked[0] not in labels.index:
        return known_label_groups(asked[0], labels)
    for name in asked:
        if name in labels.groups and name not in labels.index:
            raise EmotionSlmError(
                f"--labels {name}: a grouping is watched by itself, not with others"
            )
        if name not in labels.index:
            hint = did_you_mean(name, (*groupings, *labels.names))
            raise EmotionSlmError(f"--labels {name}: unknown to this model{hint}")
    names = tuple(dict.fromkeys(asked))
    return LabelGroups(names, tuple((place,) for place in labels.columns(names)), labels.single)


def to_read(columns: LabelGroups, labels: LabelSet) -> tuple[list[int], LabelGroups]:
    """Places of the labels whose probabilities the columns need, and the columns by places among
    these. Of labels of which a text has exactly one all are needed: each says something of all."""
    if columns.single:
        return list(range(len(labels))), columns
    places = list(dict.fromkeys(place for members in columns.members for place in members))
    members = tuple(tuple(map(places.index, members)) for members in columns.members)
    return places, columns._replace(members=members)


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
