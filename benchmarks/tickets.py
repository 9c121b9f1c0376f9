"""A year of support tickets, made up by a seed: `python -m benchmarks.tickets tickets.csv`.

Three events are planted, and in September a part of the customers starts to write in German. The
example in docs/use/monitor.md is made of it.
"""

import argparse
import csv
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

START, WEEKS = datetime(2025, 9, 29), 52  # a Monday; the last week begins on 21 September 2026
PER_WEEK = {"e-mail": 260, "chat": 200}
TOPICS = (
    "invoice", "parcel", "refund", "password", "subscription", "account", "delivery", "order",
    "app", "router", "contract", "booking",
)  # fmt: skip
PHRASES = {
    "neutral": (
        "Where do I find my {topic}?", "I would like to change the address on my {topic}.",
        "My {topic} number is 48213.", "Please send me a copy of the {topic}.",
        "The {topic} from Monday is not in the list yet.", "I moved, here is the new address.",
        "Can the {topic} be paid by card?", "Attached is the form for the {topic}.",
        "When will the {topic} be ready?", "Please cancel the {topic} at the end of the month.",
        "The {topic} shows a different date.", "I am writing about the {topic} of last week.",
    ),
    "anger": (
        "I am furious, the {topic} was charged twice!", "This {topic} makes me so angry.",
        "I hate how you handle the {topic}, this is outrageous!",
        "You idiots ruined my {topic} again, I am livid.", "Fix the damn {topic} right now!",
    ),
    "gratitude": (
        "Thank you so much for the quick help with the {topic}!", "Thanks, the {topic} works now.",
        "I really appreciate how you sorted out my {topic}.", "Many thanks for the new {topic}!",
    ),
    "annoyance": (
        "It is annoying to fill in the {topic} form again.", "The {topic} page is so irritating.",
        "Every time the {topic} hangs, it gets on my nerves.",
    ),
    "disappointment": (
        "I am disappointed, the {topic} is not what was promised.",
        "What a letdown, the {topic} broke after two days.",
        "Sadly the {topic} did not live up to what I expected.",
    ),
    "confusion": (
        "I do not understand the {topic} at all, I am confused.",
        "I am not sure what the {topic} page wants from me.",
        "It makes no sense to me, why does the {topic} have two numbers?",
    ),
    "joy": ("So happy with my {topic}!", "The new {topic} makes me smile, what a joy."),
    "fear": ("I am scared that my {topic} was stolen.", "I am afraid someone got into my {topic}."),
}  # fmt: skip
USUAL = {
    "anger": 0.03, "gratitude": 0.08, "annoyance": 0.05, "disappointment": 0.03, "confusion": 0.04,
    "joy": 0.02, "fear": 0.006,
}  # fmt: skip
GERMAN = (
    "Wo finde ich meine Rechnung?", "Bitte schicken Sie mir eine Kopie des Vertrags.",
    "Ich bin umgezogen, hier ist die neue Adresse.", "Wann kommt mein Paket endlich an?",
    "Das Passwort für mein Konto funktioniert nicht.",
)  # fmt: skip
GERMAN_FROM, GERMAN_SHARE = datetime(2026, 8, 31), 0.3


class Event(NamedTuple):
    """In `weeks` weeks from `first` on a label is `times` as frequent in a channel."""

    first: datetime
    weeks: int
    channel: str
    label: str
    times: float


EVENTS = (
    Event(datetime(2026, 1, 12), 3, "e-mail", "anger", 4),  # a double charge
    Event(datetime(2026, 3, 23), 2, "chat", "gratitude", 2.5),  # a faster desk
    Event(datetime(2026, 6, 1), 6, "e-mail", "disappointment", 4),  # a faulty batch
)


def tickets(seed: int) -> list[dict[str, str]]:
    """The rows, in order of time."""
    chance = random.Random(seed)
    rows = []
    for week in range(WEEKS):
        monday = START + timedelta(weeks=week)
        for channel, usual in PER_WEEK.items():
            shares = _shares(monday, channel)
            for _ in range(round(chance.gauss(usual, usual**0.5))):
                sent = monday + timedelta(seconds=chance.randrange(7 * 86_400))
                rows.append((sent, channel, _text(chance, shares, monday)))
    return [
        {"id": f"t{number:05}", "created_at": sent.isoformat(), "channel": channel, "text": text}
        for number, (sent, channel, text) in enumerate(sorted(rows))
    ]


def _shares(monday: datetime, channel: str) -> dict[str, float]:
    shares = dict(USUAL)
    for event in EVENTS:
        within = event.first <= monday < event.first + timedelta(weeks=event.weeks)
        if within and channel == event.channel:
            shares[event.label] *= event.times
    return shares


def _text(chance: random.Random, shares: dict[str, float], monday: datetime) -> str:
    if monday >= GERMAN_FROM and chance.random() < GERMAN_SHARE:
        return chance.choice(GERMAN)
    label = chance.choices(
        [*shares, "neutral"], weights=[*shares.values(), 1 - sum(shares.values())]
    )[0]
    sentences = [chance.choice(PHRASES[label])]
    if chance.random() < 0.5:
        sentences.insert(chance.randrange(2), chance.choice(PHRASES["neutral"]))
    return " ".join(sentences).replace("{topic}", chance.choice(TOPICS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=3407)
    options = parser.parse_args()
    rows = tickets(options.seed)
    with options.output.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows):,} tickets → {options.output}")


if __name__ == "__main__":
    main()
