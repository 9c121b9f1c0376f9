from datetime import datetime, timedelta

from benchmarks.tickets import EVENTS, GERMAN, GERMAN_FROM, PHRASES, tickets

ROWS = tickets(1)


def stems(label: str) -> set[str]:
    return {phrase.split("{topic}")[0] for phrase in PHRASES[label]}


def share(label: str, channel: str, first: datetime, weeks: int) -> float:
    """Of the channel's tickets from `first` on, those that hold a phrase of the label."""
    last = first + timedelta(weeks=weeks)
    texts = [
        row["text"]
        for row in ROWS
        if row["channel"] == channel and first.isoformat() <= row["created_at"] < last.isoformat()
    ]
    return sum(any(stem in text for stem in stems(label)) for text in texts) / len(texts)


def test_the_same_seed_gives_the_same_tickets_in_order_of_time():
    assert tickets(1) == ROWS != tickets(2)
    times = [row["created_at"] for row in ROWS]
    assert times == sorted(times)


def test_events_are_planted_where_they_are_said_to_be():
    for event in EVENTS:
        before = share(event.label, event.channel, event.first - timedelta(weeks=8), 8)
        within = share(event.label, event.channel, event.first, event.weeks)
        assert 0.6 * event.times < within / before < 1.6 * event.times


def test_german_begins_when_it_is_said_to():
    german = [row["created_at"] for row in ROWS if row["text"] in GERMAN]
    assert min(german) >= GERMAN_FROM.isoformat() and len(german) > 100
