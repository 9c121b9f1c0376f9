"""A review as an HTML page, as Markdown for a pull request, as PNG files, and on the terminal."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes
from emotion_slm.workbench.page import environment
from emotion_slm.workbench.review import Change, Review
from emotion_slm.workbench.review_notes import notes
from emotion_slm.workbench.review_plots import Plot, draw_curve
from emotion_slm.workbench.review_scores import HIGHER, LOWER, NO_INTERVAL, SAME, WITHIN, Score

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


STYLES = {HIGHER: "bold green", LOWER: "bold red", WITHIN: "dim"}
SHORT = {NO_INTERVAL: "none", WITHIN: "within", HIGHER: "beyond: higher", LOWER: "beyond: lower"}
LISTED = 12  # counts shown; the page has them all


def screen(review: Review) -> Group:
    """Notes, params, changed headline metrics, labels beyond their interval, names of plots."""
    return Group(*_parts(review))


def _parts(review: Review) -> Iterator[Table | Text]:
    yield Text(
        f"Review against {review.base.name} ({review.base.commit[:9]}), profile {review.profile}",
        style="bold",
    )
    for note in notes(review):
        yield Text(f"{'!' if note.alarm else '·'} {note.text}", "bold red" if note.alarm else "")
    if review.params:
        yield _changes("Params", review.params)
    changed = [row for row in review.headline if row.reading != SAME]
    if changed:
        yield _scores("Test metrics", changed)
    labels = [row for row in review.labels if row.reading != SAME]
    beyond = [row for row in labels if row.reading in (HIGHER, LOWER)]
    if beyond:
        yield _scores("F1 of the labels beyond their interval", beyond)
    if labels:
        within = sum(row.reading == WITHIN for row in labels)
        yield Text(f"F1 per label: {len(labels)} changed, {within} of them within the interval")
    if review.counts:
        yield _changes("Split and balance", review.counts[:LISTED])
        if len(review.counts) > LISTED:
            yield Text(f"and {len(review.counts) - LISTED} more")
    plots = [plot.path.name for plot in review.plots if plot.changed]
    if plots:
        yield Text(f"Plots that changed: {', '.join(plots)}")


def _changes(title: str, changes: list[Change]) -> Table:
    table = Table("", "base", "now", title=title, title_justify="left")
    for change in changes:
        values = (change.key, shown(change.before), shown(change.after))
        table.add_row(*map(Text, values))
    return table


def _scores(title: str, rows: list[Score]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("base", "now", "Δ", "95 % of base"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("interval", no_wrap=True)
    for row in rows:
        span = row.before_interval
        table.add_row(
            row.name,
            *("–" if value is None else f"{value:.3f}" for value in (row.before, row.after)),
            signed(row.delta),
            f"{span[0]:.3f}–{span[1]:.3f}" if span else "",
            SHORT.get(row.reading, row.reading),
            style=STYLES.get(row.reading),
        )
    return table
