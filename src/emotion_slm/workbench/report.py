"""reports/report.html and reports/report.md from what was read."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from emotion_slm.common.files import write_bytes
from emotion_slm.corpus.labels import TARGETS
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.evaluation.tables import SAMPLE_CAPTION, label_order
from emotion_slm.workbench.hardest import Hardest, hardest
from emotion_slm.workbench.page import Picture, environment, read_pictures, words
from emotion_slm.workbench.report_results import Results, read_results

HTML, MARKDOWN = "report.html", "report.md"
NOT_ASKED = Hardest([], "Left out, as asked.")
LISTED = 5  # items of a list among the audit's findings


def write_report(folder: Path, texts: bool = True) -> list[Path]:
    """Write report.html and report.md into `folder` from the files of the workspace.

    `texts`: whether the page shows the hardest rows with their texts; the summary never does.
    EmotionSlmError when a metrics file or picture is missing or incomplete.
    """
    results, pictures = read_results(), read_pictures()
    rows = hardest(results.test.macro_f1) if texts else NOT_ASKED
    written = {
        folder / HTML: render(HTML, results, pictures, rows),
        folder / MARKDOWN: render(MARKDOWN, results, pictures, NOT_ASKED, folder),
    }
    for path, content in written.items():
        write_bytes(path, content.encode())
    return list(written)


def render(
    template: str,
    results: Results,
    pictures: list[Picture],
    rows: Hardest,
    folder: Path = Path(),
) -> str:
    """The text of `template`, HTML or MARKDOWN, every value in it escaped.

    Links to pictures lead from `folder`.
    """
    pages = environment()
    pages.filters["link"] = lambda path: Path(os.path.relpath(path, folder)).as_posix()
    return pages.get_template(template).render(
        **results._asdict(),
        findings=list(facts(results.leakage.findings)),
        pictures=pictures,
        hardest=rows,
        labels=label_order(),
        targets=TARGETS,
        few=FEW_POSITIVES,
        sample_caption=SAMPLE_CAPTION if results.test.corpus == "sample" else "",
    )


def facts(findings: Mapping, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The audit's findings, nested as they are, as pairs of a name and a short text.

    A mapping of numbers becomes one text, its zeros left out; of a list the first few are shown.
    """
    for key, value in findings.items():
        name = f"{prefix}{words(str(key))}"
        if isinstance(value, Mapping) and all(_is_number(item) for item in value.values()):
            parts = [f"{words(str(part))} {_text(item)}" for part, item in value.items() if item]
            yield name, ", ".join(parts) or "none"
        elif isinstance(value, Mapping):
            yield from facts(value, f"{name}: ")
        elif isinstance(value, list):
            more = f", … ({len(value):,} in all)" if len(value) > LISTED else ""
            yield name, (", ".join(map(_text, value[:LISTED])) + more) or "none"
        else:
            yield name, _text(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return " ".join(f"{words(str(key))} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " – ".join(map(_text, value))
    return str(value)
