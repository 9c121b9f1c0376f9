"""Times as files have them, and the hours, days, weeks and months they fall in."""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # a smaller number is no epoch time but something else
# A number of this size or more counts milliseconds, microseconds, nanoseconds.
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0, 1))
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
COMPACT = re.compile(r"(19|20)\d{6}")  # 20260312, an ISO date without dashes
REMEDY = "write ISO dates such as 2026-03-12 or 2026-03-12T09:30+01:00, or epoch seconds"


class Every(StrEnum):
    """How long a period is; weeks are ISO's, from Monday on."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def read_time(value: object, zone: ZoneInfo, latest: datetime) -> datetime:
    """The time that a field holds, in `zone`, which is also that of times without one of their own.

    ISO 8601, epoch seconds (milliseconds and finer by their size), dates of e-mails, and what
    Parquet holds. ValueError says what is wrong: with none, with what is no time, and with a time
    after `latest`.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("no time")
    try:
        found = _parsed(value)
    except (ValueError, OverflowError, TypeError):
        raise ValueError(f"{str(value)[:40]!r} is no time; {REMEDY}") from None
    try:
        local = found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)
    except OverflowError:
        raise ValueError(f"{str(value)[:40]!r} is out of the calendar; {REMEDY}") from None
    if local > latest:
        raise ValueError(f"{str(value)[:40]!r} lies in the future")
    return local


def _parsed(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, int | float):
        return _epoch(float(value))
    if hasattr(value, "isoformat"):  # a date
        value = value.isoformat()
    text = str(value).strip()
    if NUMBER.fullmatch(text) and not COMPACT.fullmatch(text):
        return _epoch(float(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def _epoch(number: float) -> datetime:
    if not math.isfinite(number) or number < 0:
        raise ValueError
    unit = next(unit for least, unit in UNITS if number >= least)
    found = datetime.fromtimestamp(number / unit, UTC)
    if found < EARLIEST:
        raise ValueError
    return found


def begin(time: datetime, every: Every) -> datetime:
    """The first moment of the period that `time` falls in, without its zone."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if every is Every.HOUR:
        return day.replace(hour=time.hour)
    if every is Every.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if every is Every.MONTH else day


def following(period: datetime, every: Every) -> datetime:
    """The period after one."""
    if every is Every.MONTH:
        return begin(period + timedelta(days=32), every)
    hours = {Every.HOUR: 1, Every.DAY: 24, Every.WEEK: 168}[every]
    return period + timedelta(hours=hours)


def name(period: datetime, every: Every) -> str:
    """As tables have it: 2026-03-12T09, 2026-03-12, 2026-W11, 2026-03."""
    if every is Every.WEEK:
        year, week, _ = period.isocalendar()
        return f"{year}-W{week:02}"
    return period.strftime({"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}[every])


def in_words(period: datetime, every: Every) -> str:
    """As sentences have it, after "in" or "on": the week of 12 March 2026."""
    date = f"{period.day} {period:%B %Y}"
    return {
        Every.HOUR: f"the hour from {period:%H:%M} on {date}",
        Every.DAY: date,
        Every.WEEK: f"the week of {date}",
        Every.MONTH: f"{period:%B %Y}",
    }[every]


def preposition(every: Every) -> str:
    return "on" if every is Every.DAY else "in"
