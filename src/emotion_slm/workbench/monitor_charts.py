"""A label's shares over time as inline SVG, coloured by the page's own styles."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from emotion_slm.monitor.periods import following, name
from emotion_slm.monitor.run import Report
from emotion_slm.monitor.sentences import percent

WIDTH, HEIGHT = 300, 110
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 8, 18
HEADROOM = 1.08
MOST_TICKS = 3


class Chart(NamedTuple):
    """The picture of one label in one group: its caption, what screen readers say, and SVG."""

    label: str
    group: str
    alerted: bool
    description: str
    svg: str


def charts(report: Report) -> list[Chart]:
    """One per label and group, those with alerts first, then the most frequent."""
    alerted = {(alert.label, alert.group) for alert in report.alerts}
    found = []
    for group in report.groups:
        places, series = report.estimates.group(group)
        for column, label in enumerate(report.labels):
            share = float(np.average(series.means[:, column], weights=series.texts))
            key = (label, group) not in alerted, -share
            found.append((key, _chart(report, places, column, group)))
    return [chart for _, chart in sorted(found, key=lambda pair: pair[0])]


def _chart(report: Report, places: Sequence[int], column: int, group: str) -> Chart:
    label, found = report.labels[column], report.estimates
    every = report.settings.every
    periods = [found.cells[place].period for place in places]
    low, high = found.low[places, column], found.high[places, column]
    mean = found.mean[places, column]
    main = found.corrected[places, column] if report.corrected else mean
    top = _top(np.concatenate([high, main]))
    span = max(1, (periods[-1] - periods[0]).total_seconds())

    def across(period: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (period - periods[0]).total_seconds() / span

    def up(share: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(share, top) / top

    def path(values: np.ndarray, run: Sequence[int]) -> str:
        points = " L".join(f"{across(periods[at]):.1f} {up(values[at]):.1f}" for at in run)
        return f"M{points}"

    parts = list(_axes(periods, top, across, up, every))
    changes = {one.period for one in report.changes if (one.label, one.group) == (label, group)}
    for period in sorted(changes):
        x = across(period)
        parts.append(f'<path class="change" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    for run in _runs(periods, every):
        if len(run) == 1:
            x = across(periods[run[0]])
            parts.append(f'<path class="rod" d="M{x:.1f} {up(low[run[0]]):.1f}'
                         f'V{up(high[run[0]]):.1f}"/>')  # fmt: skip
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{up(main[run[0]]):.1f}" r="1.6"/>')
            continue
        back = path(low, run[::-1])[1:]
        parts.append(f'<path class="band" d="{path(high, run)} L{back}Z"/>')
        if report.corrected:
            parts.append(f'<path class="mean" d="{path(mean, run)}"/>')
        parts.append(f'<path class="main" d="{path(main, run)}"/>')
    alerts = [one for one in report.alerts if (one.label, one.group) == (label, group)]
    for alert in alerts:
        for place in alert.places:
            at = list(places).index(place)
            shape = _triangle(across(periods[at]), up(main[at]), alert.rose)
            parts.append(f'<path class="alert" d="{shape}"/>')
    said = (
        f"{label}, {group}: {percent(main[0])} % in {name(periods[0], every)}, "
        f"{percent(main[-1])} % in {name(periods[-1], every)}, {len(alerts)} alerts"
    )
    return Chart(label, group, bool(alerts), said, "".join(parts))


def _top(values: np.ndarray) -> float:
    """The upper end of the axis: bands of periods with few texts may leave the picture."""
    finite = values[np.isfinite(values)]
    wide = float(np.quantile(finite, 0.97)) if len(finite) else 0.01
    return min(1.0, max(wide * HEADROOM, 0.002))


def _runs(periods: Sequence[datetime], every) -> Iterator[list[int]]:
    """Places of periods that follow each other: a gap is a gap."""
    run = [0]
    for at, (before, after) in enumerate(pairwise(periods), start=1):
        if after != following(before, every):
            yield run
            run = []
        run.append(at)
    yield run


def _axes(periods: Sequence[datetime], top: float, across, up, every) -> Iterator[str]:
    for share in (0.0, top / 2, top):
        y = up(share)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        if share:
            yield f'<text class="tick" x="{LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">'
            yield f"{percent(share)} %</text>"
    chosen = np.unique(np.linspace(0, len(periods) - 1, MOST_TICKS).round().astype(int))
    anchors = {0: "start", len(periods) - 1: "end"}
    for at in chosen.tolist():
        yield f'<text class="tick" x="{across(periods[at]):.1f}" y="{HEIGHT - 5}" '
        yield f'text-anchor="{anchors.get(at, "middle")}">{name(periods[at], every)}</text>'


def _triangle(x: float, y: float, rose: bool) -> str:
    tip = -4 if rose else 4
    return f"M{x - 3:.1f} {y - tip / 2:.1f}H{x + 3:.1f}L{x:.1f} {y + tip:.1f}Z"
