"""Findings in words."""

import math
from datetime import datetime

from emotion_slm.monitor.periods import Every, in_words, preposition
from emotion_slm.monitor.settings import ALL_TEXTS

Share = tuple[float, float, float]  # with the ends of its band


def percent(value: float) -> str:
    """A share in per cent, with as many digits as tell it from its neighbours: 3.1 %, 0.24 %."""
    if math.isnan(value):
        return "–"
    shown = 100 * value
    return f"{shown:.{2 if shown < 1 else 1}f}"


def banded(share: Share) -> str:
    """3.1 % [2.7, 3.6]"""
    value, low, high = map(percent, share)
    return f"{value} % [{low}, {high}]"


def printable(text: str) -> str:
    """In one line; a terminal, and who mails what it shows, must not obey what a file holds."""
    return "".join(one if one.isprintable() else " " for one in text)


def rise_or_fall(
    label: str, group: str, before: Share, after: Share, rose: bool,
    periods: tuple[datetime, datetime], length: int, every: Every, lasting: bool,
) -> str:  # fmt: skip
    """anger in e-mails rose from 3.1 % [2.7, 3.6] to 6.4 % [5.6, 7.3] in the week of 12 March.

    `lasting`: it holds at the last period that was looked at.
    """
    where = "" if group == ALL_TEXTS else f" in {printable(group) or '(no group)'}"
    first, last = (in_words(period, every) for period in periods)
    sentence = (
        f"{label}{where} {'rose' if rose else 'fell'} from {banded(before)} to {banded(after)} "
        f"{preposition(every)} {first}"
    )
    if length > 1:
        many = f"{length} {every}s"
        sentence += f" and stayed so {f'since ({many})' if lasting else f'until {last} ({many})'}"
    return sentence + "."


def doubts(drifted: list[str], fits: bool) -> list[str]:
    """Why a corrected share is not to be trusted; none where nothing speaks against it."""
    found = []
    if drifted:
        found.append(
            f"The texts themselves changed ({', '.join(drifted)}): do not trust the corrected "
            "share; the mean moved, but why it did needs a look at the texts."
        )
    if not fits:
        found.append(
            "The level is doubtful: scores of this label spread otherwise than in the classifier's "
            "validation rows."
        )
    return found
