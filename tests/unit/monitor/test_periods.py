from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.monitor.periods import Every, begin, following, in_words, name, read_time

BERLIN, GREENWICH = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
LATEST = datetime(2026, 6, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-12T12:00:00Z", "2026-03-12 12:00", "20260312T120000", "2026-03-12T13:00+01:00",
        " 2026-03-12T12:00:00.000 ", "Thu, 12 Mar 2026 13:00:00 +0100", 1773316800, 1773316800.0,
        "1773316800", 1773316800000, "1773316800000", 1773316800000000, "1773316800000000000",
        NOON, datetime(2026, 3, 12, 12),
    ],
)  # fmt: skip
def test_every_way_to_write_a_time(value):
    assert read_time(value, GREENWICH, LATEST) == NOON


@pytest.mark.parametrize("value", ["2026-03-12", "20260312", date(2026, 3, 12)])
def test_a_date_is_its_first_moment_in_the_zone(value):
    assert read_time(value, BERLIN, LATEST) == datetime(2026, 3, 12, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "value",
    ["soon", "12/03/2026", "2026-13-01", "2026-02-30", 17, "3", -1773316800, float("nan"),
     float("inf"), True, [1], "1e400", "9" * 400],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_remedy(value):
    with pytest.raises(ValueError, match="is no time; write ISO dates"):
        read_time(value, GREENWICH, LATEST)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_time_is_refused(value):
    with pytest.raises(ValueError, match="no time"):
        read_time(value, GREENWICH, LATEST)


@pytest.mark.parametrize("value", ["2026-06-02", "9999-12-31"])
def test_the_future_is_refused(value):
    with pytest.raises(ValueError, match="future"):
        read_time(value, GREENWICH, LATEST)


def test_a_time_beyond_the_calendar_in_its_zone_is_refused():
    with pytest.raises(ValueError, match=r"future|calendar"):
        read_time("9999-12-31T23:59:59-10:00", BERLIN, LATEST)


def test_days_begin_in_the_zone():
    late = read_time("2026-03-12T23:30:00Z", BERLIN, LATEST)
    assert name(begin(late, Every.DAY), Every.DAY) == "2026-03-13"


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2025, 12, 28), "2025-W52"), (date(2025, 12, 29), "2026-W01"),
        (date(2026, 12, 31), "2026-W53"), (date(2027, 1, 3), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
    ],
)  # fmt: skip
def test_weeks_across_years_are_isos(day, week):
    moment = datetime(day.year, day.month, day.day, 5)
    assert name(begin(moment, Every.WEEK), Every.WEEK) == week


@given(st.datetimes(datetime(1991, 1, 1), datetime(2090, 1, 1)), st.sampled_from(Every))
def test_a_moment_lies_between_its_period_and_the_next(moment, every):
    period = begin(moment, every)
    assert period <= moment < following(period, every)
    assert begin(period, every) == period
    assert begin(following(period, every), every) == following(period, every)
    assert begin(following(period, every) - timedelta(microseconds=1), every) == period


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (Every.HOUR, "the hour from 12:00 on 12 March 2026"), (Every.DAY, "12 March 2026"),
        (Every.WEEK, "the week of 9 March 2026"), (Every.MONTH, "March 2026"),
    ],
)  # fmt: skip
def test_periods_in_words(every, words):
    assert in_words(begin(NOON, every), every) == words
