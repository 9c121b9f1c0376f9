"""Tickets to try a corpus of one's own with: `python docs/use/tickets.py` writes tickets.csv.

Put together from phrases by a seed, six labels, any number a ticket. Scores reached on them say
nothing about real ones.
"""

import csv
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

SEED = 7
BEGIN = datetime(2026, 1, 5, 8)
PHRASES = {
    "anger": [
        "this is the third time {thing} fails and I have had enough",
        "how dare you charge me for {thing}",
        "I am furious about {thing}",
        "what a disgrace, {thing} is useless",
    ],
    "worry": [
        "I am afraid I will lose {thing}",
        "will {thing} be safe, I cannot sleep over it",
        "it scares me that {thing} was open to everyone",
        "I worry that {thing} will not be there in time",
    ],
    "praise": [
        "your colleague did a wonderful job with {thing}",
        "{thing} is the best I ever had",
        "thank you so much for sorting out {thing}",
        "hats off, {thing} works like a charm",
    ],
    "impatience": [
        "I have been waiting for {thing} for two weeks",
        "when at last will {thing} be here",
        "still no answer about {thing}, please hurry",
        "how much longer do I have to wait for {thing}",
    ],
    "confusion": [
        "I do not understand what {thing} is for",
        "the page says one thing about {thing} and the letter another",
        "could you explain {thing}, I am lost",
        "why are there two of {thing}",
    ],
    "relief": [
        "luckily {thing} turned up again",
        "I am so glad that {thing} is settled",
        "a weight is off my mind now that {thing} is back",
        "good to know that {thing} is not lost after all",
    ],
}
WEIGHTS = [6, 4, 5, 8, 5, 2]
NOISE = 0.12  # share of tickets whose text speaks of other labels, as people's do
PAIRS = [("anger", "impatience"), ("worry", "confusion"), ("praise", "relief")]
THINGS = [
    "the refund", "my order", "the invoice", "the new router", "my account", "the parcel",
    "the contract", "the app", "my booking", "the replacement", "the form", "my deposit",
]  # fmt: skip
OPENERS = ["Hello,", "Hi there,", "To whom it may concern:", "Dear team,", "Once more:", ""]
CLOSERS = ["Regards, K.", "Please advise.", "Thanks.", "Ticket opened from the app.", ""]


def rows(count: int, seed: int = SEED) -> list[dict[str, object]]:
    """Tickets in order of time; `emotions` is a list. Of one conversation there are 1 to 3."""
    chance = random.Random(seed)
    made: list[dict[str, object]] = []
    conversation, when = 100, BEGIN
    while len(made) < count:
        conversation += 1
        for _ in range(chance.choice([1, 1, 2, 3])):
            when += timedelta(minutes=chance.randint(1, 600))
            labels = _labels(chance)
            spoken = _labels(chance) if chance.random() < NOISE else labels
            made.append(
                {
                    "ticket_id": f"T{len(made) + 1:05d}",
                    "conversation": conversation,
                    "created": when.isoformat(),
                    "body": _text(chance, spoken),
                    "emotions": labels,
                }
            )
    return made[:count]


def _labels(chance: random.Random) -> list[str]:
    if chance.random() < 0.2:
        return list(chance.choice(PAIRS))
    return chance.choices(list(PHRASES), WEIGHTS)


def _text(chance: random.Random, labels: list[str]) -> str:
    sentences = [
        chance.choice(PHRASES[label]).format(thing=chance.choice(THINGS)) for label in labels
    ]
    number = f"({chance.choice('ABCDEFGH')}-{chance.randint(1000, 9999)})"
    parts = [chance.choice(OPENERS), ", and ".join(sentences), number, chance.choice(CLOSERS)]
    return " ".join(part for part in parts if part)


def write_csv(path: Path, tickets: list[dict[str, object]]) -> None:
    """As a spreadsheet exports it: the labels of a ticket in one cell, between commas."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(tickets[0]))
        writer.writeheader()
        for ticket in tickets:
            writer.writerow({**ticket, "emotions": ", ".join(ticket["emotions"])})


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    write_csv(Path("tickets.csv"), rows(count))
    print(f"{count:,} tickets → tickets.csv")
