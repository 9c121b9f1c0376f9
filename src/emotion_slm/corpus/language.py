"""Which script and which language texts look like: letters and frequent words, no model.

A guess over many texts, for a warning; it knows languages of Europe only.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

LATIN = "latin"
SAMPLED = 2_000  # texts; more change nothing about a language
SHOWN_LETTERS = 200  # of a text, whose script they tell
FEWEST_WORDS = 50  # below that nothing is said
LOWEST_SHARE = 0.08  # running text of each language has two to five times as many of its words

# Short words that running text of the language is full of and the others have not, or rarely.
FREQUENT = {
    "en": "the and to of is it you that for was on are with this have not be my we they but",
    "de": "der die und das ist nicht ich ein eine zu mit den auf für sich es wir sie auch im",
    "fr": "le la les et est pas je un une des que qui pour dans vous ce il nous avec sur ne",
    "es": "el la los las y es que no un una por con para se lo como pero más muy mi está",
    "it": "il la che di è non un una per con sono mi ho ma del della questo anche più gli",
    "pt": "o a os as que não é um uma para com por se mais mas muito eu está do da foi",
    "nl": "de het een en is niet ik van dat op te met voor zijn er maar ook wel bij naar",
    "pl": "nie to jest się na że w z i do tak ale co jak mnie już bardzo dla mam po",
    "sv": "och det att är inte jag en som på för med har den av till om ett men vi så",
}
NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "sv": "Swedish",
}  # fmt: skip
_LANGUAGES_OF = {
    word: [code for code, words in FREQUENT.items() if word in words.split()]
    for words in FREQUENT.values()
    for word in words.split()
}
_WORD = re.compile(r"[^\W\d_]+")


class Language(NamedTuple):
    """`script`: that of most letters, None without any; `code`: of a language in NAMES, None where
    none is near; `share`: of the words, those frequent in it."""

    script: str | None
    code: str | None
    share: float


def language_of(texts: Sequence[str]) -> Language:
    """Of at most SAMPLED texts, taken evenly."""
    sampled = evenly(texts, SAMPLED)
    scripts = Counter(script for text in sampled if (script := script_of(text)))
    script = max(scripts, key=scripts.__getitem__) if scripts else None
    if script != LATIN:
        return Language(script, None, 0)
    counts: Counter[str] = Counter()
    words = 0
    for text in sampled:
        for word in _WORD.findall(text.casefold()):
            words += 1
            counts.update(_LANGUAGES_OF.get(word, ()))
    if words < FEWEST_WORDS or not counts:
        return Language(script, None, 0)
    code, count = counts.most_common(1)[0]
    share = count / words
    return Language(script, code if share >= LOWEST_SHARE else None, share)


def language_of_words(words: Iterable[str]) -> str | None:
    """The code of the language that most of a text's frequent words, in small letters, belong to;
    None without such words, or where two languages have as many. One text tells little."""
    counts: dict[str, int] = {}
    for word in words:
        for code in _LANGUAGES_OF.get(word, ()):
            counts[code] = counts.get(code, 0) + 1
    if not counts:
        return None
    code = max(counts, key=counts.__getitem__)
    return code if list(counts.values()).count(counts[code]) == 1 else None


def script_of(text: str) -> str | None:
    """The script of most of a text's first letters, such as `latin`; None without a letter."""
    if text.isascii():
        return LATIN if any(map(str.isalpha, text)) else None
    counts = Counter(_script(letter) for letter in text[:SHOWN_LETTERS] if letter.isalpha())
    return counts.most_common(1)[0][0] if counts else None


def in_other_scripts(texts: Iterable[str], script: str) -> list[int]:
    """The places of texts most of whose letters are of another script."""
    found = ((place, script_of(text)) for place, text in enumerate(texts))
    return [place for place, other in found if other not in (None, script)]


def evenly(rows: Sequence, most: int) -> Sequence:
    """At most `most` of `rows`, at equal distances."""
    return rows[:: max(1, -(-len(rows) // most))]


@cache
def _script(letter: str) -> str:
    """The first word of a character's name in Unicode, which for letters is the script."""
    return unicodedata.name(letter, "unknown").partition(" ")[0].lower()
