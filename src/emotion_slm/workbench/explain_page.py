"""Explanations as an HTML page: each text with the words marked that moved a label."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common.files import write_bytes
from emotion_slm.explain.occlusion import Explanation, Piece, labels_to_show, pieces
from emotion_slm.explain.screen import MARKED
from emotion_slm.workbench.page import environment

HTML = "explain.html"
LEVELS = 4  # of colour, by how far a word moves the probability


class Marked(NamedTuple):
    """A word or what is between: its style's name, and what a pointer on it shows."""

    text: str
    style: str
    title: str


class Shown(NamedTuple):
    """A text under one label; `threshold` is None of a model that gives the most probable one."""

    label: str
    probability: float
    threshold: float | None
    given: bool
    pieces: list[Marked]


def write_page(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    thresholds: np.ndarray | None,
    asked: Sequence[int],
    path: Path,
) -> None:
    """Write the page to `path`; `asked`: places of the labels to explain, if not those given."""
    shown = [
        [_shown(one, names, thresholds, label) for label in labels_to_show(one, asked)]
        for one in explanations
    ]
    content = environment().get_template(HTML).render(texts=shown)
    write_bytes(path, content.encode(errors="replace"))


def _shown(
    one: Explanation, names: Sequence[str], thresholds: np.ndarray | None, label: int
) -> Shown:
    threshold = None if thresholds is None else float(thresholds[label])
    words = [_marked(piece) for piece in pieces(one, label)]
    return Shown(names[label], float(one.whole[label]), threshold, bool(one.given[label]), words)


def _marked(piece: Piece) -> Marked:
    if abs(piece.change) < MARKED:
        return Marked(piece.text, "", "")
    level = min(LEVELS, 1 + int(abs(piece.change) * LEVELS))
    style = f"{'up' if piece.change > 0 else 'down'}{level}" + (" decisive" * piece.decisive)
    title = f"{piece.change:+.2f}".replace("-", "−")
    return Marked(piece.text, style, f"{title}, decisive" if piece.decisive else title)
