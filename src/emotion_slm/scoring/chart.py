"""Texts and their labels as bars, for a terminal."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from emotion_slm.scoring.label_groups import LabelGroups

NEAREST = 3  # shown when no label reaches its threshold
TEXT_CHARACTERS = 240
BAR_WIDTH = 40


def chart(
    texts: Sequence[str],
    found: Sequence[dict[str, float]],
    shown: np.ndarray,
    groups: LabelGroups,
) -> RenderableType:
    """A bar per label found in each text; where there is none, the most probable ones, grey.

    `shown` are the (n, m) probabilities of the columns of `groups`. A bar's full width is 1.
    """
    return Group(*_blocks(texts, found, shown, groups))


def _blocks(texts, found, shown, groups) -> Iterator[RenderableType]:
    width = max(map(len, groups.names))
    for text, labels, values in zip(texts, found, shown, strict=True):
        yield Text(_line(text), style="bold")
        if labels:
            yield Padding(_bars(labels, width, "green"), (0, 0, 1, 2))
            continue
        nearest = np.argsort(-values, kind="stable")[:NEAREST]
        yield Padding(Text("nothing reaches its threshold; nearest:", style="italic"), (0, 2))
        below = {groups.names[column]: float(values[column]) for column in nearest}
        yield Padding(_bars(below, width, "bright_black"), (0, 0, 1, 2))


def _line(text: str) -> str:
    """The text's beginning on one line; a terminal must not obey what it holds."""
    begin = " ".join("".join(c if c.isprintable() else " " for c in text[:4000]).split())
    if len(begin) > TEXT_CHARACTERS:
        return begin[:TEXT_CHARACTERS] + " …"
    return begin or "(no text)"


def _bars(labels: dict[str, float], width: int, color: str) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=width)
    table.add_column()
    table.add_column()
    for label, value in labels.items():
        bar = Bar(1, 0, value, width=BAR_WIDTH, color=color)
        table.add_row(Text(label), Text(f"{value:.2f}"), bar)
    return table
