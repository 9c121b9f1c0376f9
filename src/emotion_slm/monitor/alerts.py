"""Alerts: a period in which a label's share differs from its reference by more than chance allows.

The test is on mean probabilities, whose noise is small: if texts are of the same kind, they move
only when the share does. How far it moved is told by corrected shares.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.periods import Every, following
from emotion_slm.monitor.settings import LEAST_REFERENCE, REFERENCE, Settings
from emotion_slm.monitor.swings import Group, gap_of, p_values

LOOKED_BACK = 4  # reference windows: how far back the reference is where alerts were raised


class Found(NamedTuple):
    """An alert: places of its group, period and label, those of the reference's periods, whether
    the share rose, and the p-value, adjusted for all that were tested with it."""

    group: int
    period: int
    label: int
    reference: tuple[int, ...]
    rose: bool
    p_value: float


def find(groups: Sequence[Group], settings: Settings) -> list[Found]:
    """All alerts, in order of time.

    False discoveries are bounded among the labels × groups of each period (Benjamini and Hochberg
    1995). A period that raised an alert of a label is no reference of that label later: so an event
    neither hides what follows it nor makes its end an event.
    """
    raised = [np.zeros(group.means.shape, dtype=bool) for group in groups]
    places = [{period: place for place, period in enumerate(group.periods)} for group in groups]
    found: list[Found] = []
    for moment in sorted({period for group in groups for period in group.periods}):
        tests = []
        for place, group in enumerate(groups):
            if moment in places[place]:
                period = places[place][moment]
                tests += _tests(place, group, period, raised[place], settings)
        if not tests:
            continue
        adjusted = benjamini_hochberg(np.array([test.p_value for test in tests]))
        for test, p_value in zip(tests, adjusted, strict=True):
            if p_value <= settings.discoveries:
                raised[test.group][test.period, test.label] = True
                found.append(test._replace(p_value=float(p_value)))
    return found


def _tests(
    place: int, group: Group, period: int, raised: np.ndarray, settings: Settings
) -> list[Found]:
    if group.texts[period] < settings.least_texts:
        return []
    window = reference_window(group.periods, period, settings)
    labels, references = [], []
    for label in range(group.means.shape[1]):
        reference = [one for one in window if not raised[one, label]]
        if settings.reference is None or isinstance(settings.reference, int):
            reference = reference[-_length(settings) :]
        if len(reference) >= LEAST_REFERENCE:
            labels.append(label)
            references.append(reference)
    gaps = [gap_of(group, period, *pair) for pair in zip(references, labels, strict=True)]
    return [
        Found(place, period, label, tuple(reference), gap.size > 0, p_value)
        for label, reference, gap, p_value in zip(
            labels, references, gaps, p_values(gaps), strict=True
        )
    ]


def reference_window(periods: list[datetime], period: int, settings: Settings) -> list[int]:
    """Places of the periods that may be compared with: those before, or those of a fixed window."""
    if isinstance(settings.reference, tuple):
        first, last = settings.reference
        places = range(bisect_left(periods, first), bisect_right(periods, last))
        return [place for place in places if place != period]
    return list(range(max(0, period - LOOKED_BACK * _length(settings)), period))


def recent(periods: list[datetime], period: int, settings: Settings) -> list[int]:
    """The reference window at its full length, whatever alerts were raised in it."""
    window = reference_window(periods, period, settings)
    return window if isinstance(settings.reference, tuple) else window[-_length(settings) :]


def _length(settings: Settings) -> int:
    given = settings.reference
    return given if isinstance(given, int) else REFERENCE[settings.every]


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """(n,) p-values adjusted so that those ≤ q have a false discovery rate of q at most."""
    order = np.argsort(p_values)
    scaled = p_values[order] * len(p_values) / np.arange(1, len(p_values) + 1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    found = np.empty_like(adjusted)
    found[order] = adjusted
    return found


def episodes(found: Sequence[Found], groups: Sequence[Group], every: Every) -> list[list[Found]]:
    """Alerts of one label and group in one direction in periods that follow each other; nobody
    knows what was in a gap."""
    joined: list[list[Found]] = []
    open_ones: dict[tuple, list[Found]] = {}
    for one in found:
        key = (one.group, one.label, one.rose)
        last = open_ones.get(key)
        periods = groups[one.group].periods
        if last and periods[one.period] == following(periods[last[-1].period], every):
            last.append(one)
        else:
            open_ones[key] = [one]
            joined.append(open_ones[key])
    return joined
