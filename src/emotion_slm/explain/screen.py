"""Explanations on a terminal: the text with its words marked, then the words that moved a label."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from emotion_slm.explain.occlusion import Explanation, labels_to_show, pieces

MARKED = 0.02  # a smaller change is not worth a mark
LISTED = 5


def screen(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    thresholds: np.ndarray | None,
    asked: Sequence[int] = (),
) -> RenderableType:
    """Each text under each label shown for it; `thresholds`: (labels,), if the model has such.

    Green raises; red and underlined lowers; reversed: without this word the label would not be
    given.
    """
    return Group(*_blocks(explanations, names, thresholds, asked))


def _blocks(explanations, names, thresholds, asked) -> Iterator[RenderableType]:
    for explanation in explanations:
        for label in labels_to_show(explanation, asked):
            given = "given" if explanation.given[label] else "not given"
            held = "" if thresholds is None else f" (threshold {thresholds[label]:.2f})"
            yield Text.assemble(
                (names[label], "bold"), f" {explanation.whole[label]:.2f}, {given}{held}"
            )
            yield Padding(marked(explanation, label), (0, 0, 0, 2))
            yield Padding(_table(explanation, label), (0, 0, 1, 2))


def marked(explanation: Explanation, label: int) -> Text:
    """The text in one line; a terminal must not obey what it holds."""
    line = Text()
    for piece in pieces(explanation, label):
        shown = "".join(one if one.isprintable() else " " for one in piece.text)
        line.append(shown, style(piece.change, piece.decisive))
    return line


def style(change: float, decisive: bool) -> str:
    if abs(change) < MARKED:
        return ""
    return ("green" if change > 0 else "red underline") + (" reverse" if decisive else "")


def strongest(explanation: Explanation, label: int) -> list[int]:
    """Places of the words that move the label most, at most LISTED."""
    changes = explanation.changes(label)
    order = np.argsort(-np.abs(changes), kind="stable")[:LISTED]
    return [int(place) for place in order if abs(changes[place]) >= MARKED]


def _table(explanation: Explanation, label: int) -> Table:
    table = Table.grid(padding=(0, 2))
    changes, decisive = explanation.changes(label), explanation.decisive(label)
    for place in strongest(explanation, label):
        without = explanation.without[place, label]
        table.add_row(
            Text(f"without {explanation.word(place)!r}"),
            Text(f"{without:.2f} ({-changes[place]:+.2f})".replace("-", "−")),
            Text("and would not be given" if decisive[place] else ""),
        )
    return table
