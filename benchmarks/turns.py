"""Contenders measured by turns, and their medians with spread.

A ratio is taken within each turn, so that a busy moment of the machine hits both sides of it alike.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def by_turns(
    contenders: Mapping[str, Callable[[int], Result]], runs: int
) -> dict[str, list[Result]]:
    """Call every contender once per turn, with the turn's number; its results by name.

    Every other turn goes backwards: none is always the one after a heavy neighbour.
    """
    results: dict[str, list[Result]] = {name: [] for name in contenders}
    for turn in range(runs):
        for name in list(contenders)[:: 1 if turn % 2 == 0 else -1]:
            results[name].append(contenders[name](turn))
    return results


def ratios(values: Sequence[float], references: Sequence[float]) -> list[float]:
    """Value over reference, turn by turn."""
    return [value / reference for value, reference in zip(values, references, strict=True)]


def spread(values: Sequence[float], decimals: int) -> tuple[str, str]:
    """Median, and min–max."""
    median, low, high = (
        f"{value:,.{decimals}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return median, f"{low}–{high}"
