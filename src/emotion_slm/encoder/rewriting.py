"""Texts as others write them: with typos, without punctuation, in lower case."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

CHARACTERS_PER_TYPO = 25
LETTERS = "abcdefghijklmnopqrstuvwxyz"
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")


def typos(text: str, random: np.random.Generator) -> str:
    """One for every CHARACTERS_PER_TYPO begun: a letter doubled, left out, changed for another, or
    two that change places."""
    letters = list(text)
    for _ in range(-(-len(text) // CHARACTERS_PER_TYPO)):
        places = [place for place, letter in enumerate(letters) if letter.isalpha()]
        if not places:
            break
        place = int(random.choice(places))
        kind = random.integers(4)
        if kind == 0:
            letters.insert(place, letters[place])
        elif kind == 1:
            del letters[place]
        elif kind == 2:
            letters[place] = str(random.choice(list(LETTERS)))
        elif place + 1 < len(letters):
            letters[place : place + 2] = letters[place + 1], letters[place]
    return "".join(letters)


def without_punctuation(text: str) -> str:
    """Without punctuation and symbols, emoji and the marks of letters excepted; `text` itself where
    that leaves nothing to read."""
    left = "".join(
        letter
        for letter in text
        if unicodedata.category(letter)[0] not in "PS" or EMOJI.match(letter)
    )
    return left if left.strip() else text


def rewrite(texts: Sequence[str], share: float, seed: int) -> list[str]:
    """`texts`, a share of them with typos (three in five of these), without punctuation (one) or in
    lower case (one)."""
    random = np.random.default_rng(seed)
    written = list(texts)
    for place in np.flatnonzero(random.random(len(written)) < share):
        kind = random.integers(5)
        if kind == 0:
            written[place] = written[place].lower()
        elif kind == 1:
            written[place] = without_punctuation(written[place])
        else:
            written[place] = typos(written[place], random)
    return written
