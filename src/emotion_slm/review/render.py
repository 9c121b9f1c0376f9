"""A review as a self-contained HTML page, as Markdown for a pull request, and as PNG files."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import write_bytes
from emotion_slm.report.page import environment
from emotion_slm.review.differences import Review
from emotion_slm.review.notes import notes
from emotion_slm.review.plots import Plot, draw_curve
from emotion_slm.review.scores import SAME, WITHIN

HTML, MARKDOWN = "review.html", "review.md"
BEFORE, AFTER, CURVES = "before", "after", "curves"
KEPT_IN_MARKDOWN = re.compile(r"[^\w .,:;+–-]")


class Pair(NamedTuple):
    """A picture of both sides: contents for the page, links for the summary; None where absent."""

    name: str
    caption: str
    before: bytes | None
    after: bytes | None
    before_link: str | None
    after_link: str | None


class Curve(NamedTuple):
    """A changed CSV, drawn with both sides in one picture."""

    name: str
    picture: bytes


def write_review(review: Review, folder: Path, hosted: str | None = None) -> list[Path]:
    """Write review.html, review.md and the pictures of what changed into `folder`.

    The summary links to the pictures in `folder` or, with `hosted`, to
    `hosted`/COMMIT/metrics/plots/…: where a server shows the repository's files as they are.
    EmotionSlmError when a curve is not one, or when what is hosted is not what lies here.
    """
    pictures = [plot for plot in review.plots if plot.is_picture]
    changed = [plot for plot in pictures if plot.changed]
    moved = [path for path in review.state.uncommitted if path.startswith("metrics/plots/")]
    if hosted and moved:
        raise EmotionSlmError(f"{moved[0]} is not committed, so no server has it: commit it first")
    for part in (BEFORE, AFTER, CURVES):
        for stale in (folder / part).glob("*.png"):
            stale.unlink()
    for plot in changed:
        for part, content in ((BEFORE, plot.before), (AFTER, plot.after)):
            if content is not None:
                write_bytes(folder / part / plot.path.name, content)
    values = {
        "review": review,
        "notes": notes(review),
        "headline": [row for row in review.headline if row.reading != SAME],
        "same": [row.name for row in review.headline if row.reading == SAME],
        "labels": [row for row in review.labels if row.reading != SAME],
        "within": sum(row.reading == WITHIN for row in review.labels),
        "pairs": [_pair(plot, review, hosted) for plot in changed],
        "curves": [
            _curve(plot, folder) for plot in review.plots if plot.changed and not plot.is_picture
        ],
        "unchanged": [plot.path.name for plot in review.plots if not plot.changed],
    }
    written = []
    for name, escape in ((HTML, str), (MARKDOWN, markdown)):
        content = _render(name, escape, values)
        write_bytes(folder / name, content.encode())
        written.append(folder / name)
    return written


def markdown(value: object) -> str:
    """`value` as HTML character references wherever Markdown could take it for more than text.

    A pull request's own names and values go into a comment: no link, mention or table cell of
    theirs shall come alive there.
    """
    text = KEPT_IN_MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", str(value))
    return text.replace("&#64;", "&#64;&#8203;")


def shown(value: object) -> str:
    """A param or count: short floats, thousands set apart, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def signed(value: float | None) -> str:
    """A change of a score with its sign: +.0012 is +0.0012; none as a dash."""
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def _render(name: str, escape: Callable[[object], str], values: dict) -> str:
    from markupsafe import Markup

    pages = environment()
    pages.filters |= {
        "text": lambda value: escape(value) if escape is str else Markup(escape(value)),
        "shown": shown,
        "signed": signed,
        "fixed": lambda value: "–" if value is None else f"{value:.4f}",
        "data_uri": lambda content: f"data:image/png;base64,{base64.b64encode(content).decode()}",
    }
    return pages.get_template(name).render(**values)


def _pair(plot: Plot, review: Review, hosted: str | None) -> Pair:
    path, name = plot.path.as_posix(), plot.path.name
    links = (
        (f"{hosted}/{review.base.commit}/{path}", f"{hosted}/{review.state.commit}/{path}")
        if hosted
        else (f"{BEFORE}/{name}", f"{AFTER}/{name}")
    )
    contents = (plot.before, plot.after)
    present = (
        link if content is not None else None for link, content in zip(links, contents, strict=True)
    )
    return Pair(name, plot.caption, *contents, *present)


def _curve(plot: Plot, folder: Path) -> Curve:
    target = folder / CURVES / f"{plot.path.stem}.png"
    draw_curve(plot, target)
    return Curve(plot.path.name, target.read_bytes())
