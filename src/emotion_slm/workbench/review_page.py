"""A review as an HTML page, as Markdown for a pull request, as PNG files, and on the terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes
from emotion_slm.workbench.curves import CURVES, draw
from emotion_slm.workbench.page import environment, link, signed
from emotion_slm.workbench.repository import WorkingTree
from emotion_slm.workbench.results import read_table
from emotion_slm.workbench.review import Change, Plot, Review
from emotion_slm.workbench.review_scores import (
    HIGHER,
    LOWER,
    NO_INTERVAL,
    SAME,
    WITHIN,
    Headline,
    LabelScore,
    Score,
)

HTML, MARKDOWN = "review.html", "review.md"
BEFORE, AFTER = "before", "after"
STYLES = {HIGHER: "bold green", LOWER: "bold red", WITHIN: "dim"}
SHORT = {SAME: "", NO_INTERVAL: "", WITHIN: "within", HIGHER: "beyond: higher",
         LOWER: "beyond: lower"}  # fmt: skip
LISTED = 12  # counts shown on the terminal; the page has them all


class Pair(NamedTuple):
    """A picture of both sides, and where the summary finds it; None where it is absent."""

    plot: Plot
    before_link: str | None
    after_link: str | None


def write_review(review: Review, folder: Path, hosted: str | None = None) -> list[Path]:
    """Write review.html, review.md and the pictures of what changed into `folder`.

    The summary links to the pictures in `folder` or, with `hosted`, to
    `hosted`/COMMIT/metrics/plots/…: where a server shows the repository's files as they are.
    EmotionSlmError when a curve is not one, or when what is hosted is not what lies here.
    """
    pictures = [plot for plot in review.plots if plot.changed and plot.path.suffix == ".png"]
    moved = [path for path in review.state.uncommitted if "metrics/plots/" in path]
    if hosted and moved:
        raise EmotionSlmError(f"{moved[0]} is not committed, so no server has it: commit it first")
    for part in (BEFORE, AFTER):
        for stale in (folder / part).glob("*.png"):
            stale.unlink()
    for plot in pictures:
        for part, content in ((BEFORE, plot.before), (AFTER, plot.after)):
            if content is not None:
                write_bytes(folder / part / plot.path.name, content)
    changed = {plot.path for plot in review.plots if plot.changed}
    labels = [row for row in review.labels if row.f1.reading != SAME]
    values = {
        "review": review,
        "headline": [row for row in review.headline if row.changed],
        "same": [row.name for row in review.headline if not row.changed],
        "labels": labels,
        "within": sum(row.f1.reading == WITHIN for row in labels),
        "pairs": [_pair(plot, review, hosted) for plot in pictures],
        "curves": [curve for curve in CURVES if curve.path in changed],
        "unchanged": [plot.path.name for plot in review.plots if not plot.changed],
        "drawn": lambda curve: draw(curve, *_sides(curve.path, review)),
    }
    for name in (HTML, MARKDOWN):
        pages = environment(markdown=name == MARKDOWN)
        pages.filters |= {"shown": shown}
        content = pages.get_template(name).render(**values)
        write_bytes(folder / name, content.encode(errors="replace"))
    return [folder / HTML, folder / MARKDOWN]


def shown(value: object) -> str:
    """A param or count: short floats, thousands set apart, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _sides(path: Path, review: Review) -> tuple[list, list]:
    return read_table(WorkingTree(), path), read_table(review.base, path)


def _pair(plot: Plot, review: Review, hosted: str | None) -> Pair:
    path, name = link(plot.path.as_posix()), link(plot.path.name)
    places = (
        (f"{hosted}/{review.base.commit}/{path}", f"{hosted}/{review.state.commit}/{path}")
        if hosted
        else (f"{BEFORE}/{name}", f"{AFTER}/{name}")
    )
    sides = zip(places, (plot.before, plot.after), strict=True)
    return Pair(plot, *(place if content is not None else None for place, content in sides))


def screen(review: Review) -> Group:
    """Notes, params, changed metrics, labels beyond their interval, names of plots."""
    return Group(*_parts(review))


def _parts(review: Review) -> Iterator[Table | Text]:
    base, profile = review.base, review.origin.profile
    yield Text(f"Review against {base.name} ({base.commit[:9]}), profile {profile}", style="bold")
    for note in review.notes:
        yield Text(f"{'!' if note.alarm else '·'} {note.text}", "bold red" if note.alarm else "")
    if review.params:
        yield _changes("Params that were run", review.params)
    if changed := [row for row in review.headline if row.changed]:
        yield _metrics(changed)
    labels = [row for row in review.labels if row.f1.reading != SAME]
    if beyond := [row for row in labels if row.f1.reading in (HIGHER, LOWER)]:
        yield _labels(beyond)
    if labels:
        within = sum(row.f1.reading == WITHIN for row in labels)
        yield Text(f"F1 per label: {len(labels)} changed, {within} of them within the interval")
    if review.counts:
        yield _changes("Other metrics", review.counts[:LISTED])
        if len(review.counts) > LISTED:
            yield Text(f"and {len(review.counts) - LISTED} more")
    if plots := [plot.path.name for plot in review.plots if plot.changed]:
        yield Text(f"Plots that changed: {', '.join(plots)}")


def _changes(title: str, changes: list[Change]) -> Table:
    table = _table(title, "base", "now")
    for change in changes:
        table.add_row(*map(Text, (change.key, shown(change.before), shown(change.after))))
    return table


def _metrics(rows: list[Headline]) -> Table:
    """At most 80 columns wide."""
    table = _table("Metrics", "valid.\nbase", "\nnow", "\nΔ", "test\nbase", "\nnow", "\nΔ")
    table.add_column("95 %", no_wrap=True, vertical="bottom")
    for row in rows:
        numbers = (*_numbers(row.validation), *_numbers(row.test))
        reading = row.test.reading
        table.add_row(row.name, *numbers, SHORT.get(reading, reading), style=STYLES.get(reading))
    return table


def _labels(rows: list[LabelScore]) -> Table:
    table = _table("F1 of the labels beyond their interval", "base", "now", "Δ", "95 % of base")
    for name, f1 in rows:
        span = f1.before_interval
        interval = f"{span[0]:.3f}–{span[1]:.3f}" if span else ""
        table.add_row(Text(name), *_numbers(f1), interval, style=STYLES[f1.reading])
    return table


def _numbers(score: Score) -> tuple[str, str, str]:
    if score.before is None and score.after is None:
        return "", "", ""
    values = ("–" if value is None else f"{value:.3f}" for value in (score.before, score.after))
    return *values, "" if score.reading == SAME else signed(score.delta)


def _table(title: str, *columns: str) -> Table:
    table = Table("", title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, justify="right", no_wrap=len(columns) > 2)
    return table
