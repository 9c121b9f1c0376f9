"""The bundled sample corpus: seeded, written by this project, in GoEmotions' format.

It proves the plumbing without a download. Scores reached on it say nothing about quality.
"""

import random
from pathlib import Path

from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import LABELS, NEUTRAL
from emotion_slm.corpus.sample_phrases import (
    CLOSERS,
    EMOJI,
    JOINERS,
    OPENERS,
    PAIRS,
    PHRASES,
    TOPICS,
)

ROWS = 2000
MULTI_LABEL_ROWS = 320
REPEATED_ROWS = 60  # texts that repeat another row's: as it is, shouted, or stretched
NOISE = 0.05  # share of rows whose text speaks of another row's labels
FEWEST = 12  # rows of the rarest labels

# GoEmotions' rows per label, of 54,263; neutral fills what is left.
GOEMOTIONS_ROWS = 54263
GOEMOTIONS_COUNTS = {
    "admiration": 5122, "amusement": 2895, "anger": 1960, "annoyance": 3093, "approval": 3687,
    "caring": 1375, "confusion": 1673, "curiosity": 2723, "desire": 801, "disappointment": 1583,
    "disapproval": 2581, "disgust": 1013, "embarrassment": 375, "excitement": 1052, "fear": 764,
    "gratitude": 3372, "grief": 96, "joy": 1785, "love": 2576, "nervousness": 208,
    "optimism": 1976, "pride": 142, "realization": 1382, "relief": 182, "remorse": 669,
    "sadness": 1625, "surprise": 1330,
}  # fmt: skip


def write_sample(folder: Path, seed: int) -> None:
    """Write train.tsv, dev.tsv and test.tsv (80:10:10) with every label in each of them."""
    import pandas as pd

    chance = random.Random(seed)
    label_sets = _label_sets(chance)
    texts = _texts(chance, label_sets)
    numbers = chance.sample(range(10**6), ROWS)
    rows = [
        {"id": f"s{number:06d}", "text": text, "labels": labels}
        for number, text, labels in zip(numbers, texts, label_sets, strict=True)
    ]
    # Dealt out in the order of each row's rarest label, so that no file lacks one.
    rows.sort(key=lambda row: min(_frequency(label) for label in row["labels"]))
    dealt: dict[str, list[dict]] = {name: [] for name in tsv.FILES}
    for position, row in enumerate(rows):
        dealt[{3: "dev.tsv", 7: "test.tsv"}.get(position % 10, "train.tsv")].append(row)
    for part in dealt.values():
        chance.shuffle(part)
    tsv.write_together(
        folder, {name: tsv.render(pd.DataFrame(part)) for name, part in dealt.items()}
    )


def _label_sets(chance: random.Random) -> list[list[str]]:
    """ROWS label sets in label order: pairs that go together, then single labels, shuffled."""
    left = {
        label: max(FEWEST, round(count * ROWS / GOEMOTIONS_ROWS))
        for label, count in GOEMOTIONS_COUNTS.items()
    }
    left[NEUTRAL] = ROWS
    sets = []
    for pair in chance.choices(list(PAIRS), weights=list(PAIRS.values()), k=MULTI_LABEL_ROWS):
        sets.append(sorted(pair, key=LABELS.index))
        for label in pair:
            left[label] -= 1
    for label in GOEMOTIONS_COUNTS:
        sets += [[label] for _ in range(left[label])]
    sets += [[NEUTRAL] for _ in range(ROWS - len(sets))]
    chance.shuffle(sets)
    return sets


def _frequency(label: str) -> int:
    return GOEMOTIONS_COUNTS.get(label, GOEMOTIONS_ROWS)


def _texts(chance: random.Random, label_sets: list[list[str]]) -> list[str]:
    """One text per label set; some speak of other labels, some repeat another row's text."""
    texts: list[str] = []
    seen: set[str] = set()
    for labels in label_sets:
        spoken = chance.choice(label_sets) if chance.random() < NOISE else labels
        text = _comment(chance, spoken)
        while text.strip().casefold() in seen:
            text = _comment(chance, spoken)
        seen.add(text.strip().casefold())
        texts.append(text)
    for number, position in enumerate(chance.sample(range(ROWS), REPEATED_ROWS)):
        same = [row for row in range(ROWS) if label_sets[row] == label_sets[position]]
        repeated = texts[chance.choice(same)]
        spellings = (repeated, f"{repeated.upper()}!!", repeated.replace("o", "ooo", 1))
        texts[position] = spellings[number % 3]
    return texts


def _comment(chance: random.Random, labels: list[str]) -> str:
    """A comment that expresses `labels`, with what people leave around their sentences."""
    sentences = [
        _begun_small(chance.choice(PHRASES[label]).replace("{topic}", chance.choice(TOPICS)))
        for label in labels
    ]
    text = chance.choice(JOINERS).join(sentences)
    if chance.random() < 0.35:
        text = f"{chance.choice(OPENERS)} {text}"
    if chance.random() < 0.3:
        text = f"{text} {chance.choice(CLOSERS)}"
    text = text[0].upper() + text[1:]
    if chance.random() < 0.04:
        text = f'As they say, "{text}"'
    if labels[0] in EMOJI and chance.random() < 0.08:
        text = f"{text} {EMOJI[labels[0]]}"
    if chance.random() < 0.15:
        text = text.lower()
    if chance.random() < 0.04:
        text = f"{text}   "
    if chance.random() < 0.03:
        text = f" {text}"
    return text


def _begun_small(sentence: str) -> str:
    """`sentence` as it reads after other words: `It` becomes `it`, `I` and `LOL` stay."""
    return sentence[0].lower() + sentence[1:] if sentence[1].islower() else sentence
