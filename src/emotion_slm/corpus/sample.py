"""The bundled sample corpus: texts put together from phrases per label, the same ones every time.

It proves the plumbing without a download. Scores reached on it say nothing about quality.
"""

import random
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.params import load_yaml
from emotion_slm.common.paths import RAW_FILES
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import Corpus, LabelSet

ROWS = 800
MULTI_LABEL_ROWS = 128
REPEATED_ROWS = 48  # texts that repeat another row's: as it is, shouted, or stretched
NOISE = 0.05  # share of rows whose text speaks of another row's labels
FEWEST = 10  # rows of the rarest labels


class Material(NamedTuple):
    """What texts are made of; `{topic}` in a phrase stands for one of `topics`.

    `counts`: rows of each label among the `rows` of the corpus that is imitated; the label `rest`
    fills what is left. `pairs`: labels that go together, each with its weight.
    """

    topics: list[str]
    openers: list[str]
    closers: list[str]
    joiners: list[str]
    emoji: dict[str, str]
    rows: int
    rest: str
    counts: dict[str, int]
    phrases: dict[str, list[str]]
    pairs: list[dict]


def write_sample(material: Path, corpus: Corpus, folder: Path, seed: int) -> None:
    """Write train.tsv, dev.tsv and test.tsv (80:10:10) with every label in each of them.

    `material`: a YAML file with the fields of Material.
    """
    import pandas as pd

    words = Material(**load_yaml(material))
    chance = random.Random(seed)
    label_sets = _label_sets(chance, words, corpus.labels)
    texts = _texts(chance, words, label_sets)
    numbers = chance.sample(range(10**6), ROWS)
    rows = [
        {"id": f"s{number:06d}", "text": text, "labels": names}
        for number, text, names in zip(numbers, texts, label_sets, strict=True)
    ]
    # Dealt out in the order of each row's rarest label, so that no file lacks one.
    rows.sort(key=lambda row: min(words.counts.get(label, words.rows) for label in row["labels"]))
    dealt: dict[str, list[dict]] = {name: [] for name in RAW_FILES}
    for position, row in enumerate(rows):
        dealt[{3: "dev.tsv", 7: "test.tsv"}.get(position % 10, "train.tsv")].append(row)
    for part in dealt.values():
        chance.shuffle(part)
    tsv.write_together(
        folder, {name: tsv.render(pd.DataFrame(part), corpus) for name, part in dealt.items()}
    )


def _label_sets(chance: random.Random, words: Material, labels: LabelSet) -> list[list[str]]:
    """ROWS label sets in label order: pairs that go together, then single labels, shuffled."""
    left = {
        label: max(FEWEST, round(count * ROWS / words.rows))
        for label, count in words.counts.items()
    }
    left[words.rest] = ROWS
    sets = []
    weights = [pair["weight"] for pair in words.pairs]
    for pair in chance.choices(words.pairs, weights=weights, k=MULTI_LABEL_ROWS):
        sets.append(sorted(pair["labels"], key=labels.names.index))
        for label in pair["labels"]:
            left[label] -= 1
    for label in words.counts:
        sets += [[label] for _ in range(left[label])]
    sets += [[words.rest] for _ in range(ROWS - len(sets))]
    chance.shuffle(sets)
    return sets


def _texts(chance: random.Random, words: Material, label_sets: list[list[str]]) -> list[str]:
    """One text per label set; some speak of other labels, some repeat another row's text."""
    texts: list[str] = []
    seen: set[str] = set()
    for labels in label_sets:
        spoken = chance.choice(label_sets) if chance.random() < NOISE else labels
        text = _comment(chance, words, spoken)
        while text.strip().casefold() in seen:
            text = _comment(chance, words, spoken)
        seen.add(text.strip().casefold())
        texts.append(text)
    for number, position in enumerate(chance.sample(range(ROWS), REPEATED_ROWS)):
        same = [row for row in range(ROWS) if label_sets[row] == label_sets[position]]
        repeated = texts[chance.choice(same)]
        spellings = (repeated, f"{repeated.upper()}!!", repeated.replace("o", "ooo", 1))
        texts[position] = spellings[number % 3]
    return texts


def _comment(chance: random.Random, words: Material, labels: list[str]) -> str:
    """A comment that expresses `labels`, with what people leave around their sentences."""
    sentences = [
        _begun_small(
            chance.choice(words.phrases[label]).replace("{topic}", chance.choice(words.topics))
        )
        for label in labels
    ]
    text = chance.choice(words.joiners).join(sentences)
    if chance.random() < 0.35:
        text = f"{chance.choice(words.openers)} {text}"
    if chance.random() < 0.3:
        text = f"{text} {chance.choice(words.closers)}"
    text = text[0].upper() + text[1:]
    if chance.random() < 0.04:
        text = f'As they say, "{text}"'
    if labels[0] in words.emoji and chance.random() < 0.08:
        text = f"{text} {words.emoji[labels[0]]}"
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
