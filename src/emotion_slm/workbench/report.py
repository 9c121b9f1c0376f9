"""reports/report.html and reports/report.md: the results of the last run."""

import os
from pathlib import Path

from emotion_slm.common.files import write_bytes
from emotion_slm.corpus.description import caption
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.workbench.curves import CURVES, draw
from emotion_slm.workbench.hardest import Hardest, hardest
from emotion_slm.workbench.page import Picture, environment, read_pictures
from emotion_slm.workbench.repository import WorkingTree
from emotion_slm.workbench.results import Results, read_results, read_table

HTML, MARKDOWN = "report.html", "report.md"
NOT_ASKED = Hardest([], "Left out, as asked.")


def write_report(folder: Path, texts: bool = True) -> list[Path]:
    """Write report.html and report.md into `folder` from the files of the workspace.

    `texts`: whether the page shows the hardest rows with their texts; the summary never does.
    EmotionSlmError when a metrics file or picture is missing or incomplete.
    """
    results = read_results()
    pictures = read_pictures(single=results.test.accuracy is not None)
    rows = hardest(results.test.macro_f1) if texts else NOT_ASKED
    written = {
        folder / HTML: render_page(results, pictures, rows),
        folder / MARKDOWN: render_summary(results, pictures, folder),
    }
    for path, content in written.items():
        write_bytes(path, content.encode(errors="replace"))
    return list(written)


def render_page(results: Results, pictures: list[Picture], rows: Hardest) -> str:
    """The text of report.html: the pictures are in it, and curves drawn from their tables."""
    tables = [(curve, read_table(WorkingTree(), curve.path)) for curve in CURVES]
    figures = [(picture.caption, picture.path.read_bytes()) for picture in pictures]
    figures += [(curve.caption, draw(curve, table)) for curve, table in tables if table]
    page = environment().get_template(HTML)
    return page.render(**_values(results), figures=figures, hardest=rows)


def render_summary(results: Results, pictures: list[Picture], folder: Path) -> str:
    """The text of report.md, whose links to the pictures lead from `folder`."""
    links = [(picture.caption, os.path.relpath(picture.path, folder)) for picture in pictures]
    page = environment(markdown=True).get_template(MARKDOWN)
    return page.render(**_values(results), links=links)


def _values(results: Results) -> dict:
    targets = [row for row in results.labels if row.target]
    return {
        **results._asdict(),
        "groups": (targets, [row for row in results.labels if not row.target]),
        "few": FEW_POSITIVES,
        "caption": caption(results.origin.corpus),
    }
