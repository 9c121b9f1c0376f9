"""monitor.html: alerts in sentences, charts, shares as a table."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common.files import write_bytes
from emotion_slm.monitor.labelled import PoweredShare
from emotion_slm.monitor.periods import name
from emotion_slm.monitor.run import Report
from emotion_slm.monitor.sentences import percent
from emotion_slm.monitor.settings import ALL_TEXTS
from emotion_slm.workbench.monitor_charts import charts
from emotion_slm.workbench.page import environment

HTML = "monitor.html"
CHARTED = 120  # a page with more pictures is no longer read
SHOWN_UNREAD = 5


class Latest(NamedTuple):
    """A row of the table: a group's last period and the shares in it, and whether mean and
    corrected disagree."""

    period: datetime
    group: str
    label: str
    texts: int
    counted: float
    mean: float
    corrected: float
    low: float
    high: float
    apart: bool


def write_page(report: Report, powered: Sequence[PoweredShare], folder: Path, caption: str) -> Path:
    """Write monitor.html into `folder`; `caption`: what the model's corpus wants said, if any."""
    pictures = charts(report)
    every = report.settings.every
    cells = report.estimates.cells
    pages = environment()
    pages.filters |= {
        "percent": percent,
        "period": lambda period: name(period, every),
        "unbroken": lambda sentence: sentence.replace(" %", "\u00a0%"),
    }
    content = pages.get_template(HTML).render(
        report=report,
        caption=caption,
        grouped=report.groups != [ALL_TEXTS],
        texts=int(report.estimates.texts.sum()),
        first=min(cell.period for cell in cells),
        last=max(cell.period for cell in cells),
        charts=pictures[:CHARTED],
        uncharted=len(pictures) - len(pictures[:CHARTED]),
        latest=latest(report),
        drifted=[
            (cells[one.place], [kind for kind in one.drifts if kind.changed])
            for one in report.drifted
        ],
        powered=powered,
        unread=report.unread[:SHOWN_UNREAD],
    )
    path = folder / HTML
    write_bytes(path, content.encode(errors="replace"))
    return path


def latest(report: Report) -> list[Latest]:
    """The last period of each group, the most frequent labels first."""
    found = report.estimates
    rows = []
    for group in report.groups:
        places, _ = found.group(group)
        place = places[-1]
        for column in np.argsort(-found.mean[place], kind="stable"):
            mean, low, high = (float(values[place, column])
                               for values in (found.mean, found.low, found.high))  # fmt: skip
            rows.append(
                Latest(
                    found.cells[place].period,
                    group,
                    report.labels[column],
                    int(found.texts[place]),
                    float(found.counted[place, column]),
                    mean,
                    float(found.corrected[place, column]),
                    low,
                    high,
                    report.corrected and not low <= mean <= high,
                )
            )
    return rows
