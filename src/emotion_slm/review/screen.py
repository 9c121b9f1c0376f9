"""A review on the terminal, at most 80 columns wide."""

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from emotion_slm.review.differences import Change, Review
from emotion_slm.review.notes import notes
from emotion_slm.review.render import shown, signed
from emotion_slm.review.scores import HIGHER, LOWER, NO_INTERVAL, SAME, WITHIN, Score

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
