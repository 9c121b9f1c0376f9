import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from support.labels import LABELS, ROOT, SAMPLE
from support.report import HOSTILE, LONG, write_run

from emotion_slm.common.files import read_json, write_json
from emotion_slm.workbench.report import write_report

LOADING = {"src", "href", "srcset", "data", "poster", "action", "background", "ping"}


class Page(HTMLParser):
    """Tags with their attributes, and the text of each kind of element."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag  # every element is closed where it should be

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data


@pytest.fixture
def page(run) -> Page:
    write_report(Path("reports"))
    page = Page(Path("reports/report.html").read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.fixture
def summary(run) -> str:
    write_report(Path("reports"))
    return Path("reports/report.md").read_text(encoding="utf-8")


def test_text_from_data_is_text(page):
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "link")]
    assert HOSTILE in page.texts["h1"][0] and HOSTILE in page.texts["title"][0]
    assert all(HOSTILE in text and LONG in text for text in page.texts["blockquote"])
    assert any(HOSTILE in text for text in page.texts["th"])  # a subset's name


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attributes in page.tags:
        for name in LOADING & set(attributes):
            assert attributes[name].startswith(("data:image/png;base64,", "#")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    (style,) = page.texts["style"]
    assert not re.search(r"url\(|@import|expression", style)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_every_entry_of_the_contents_leads_somewhere(page):
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {a["href"].removeprefix("#") for tag, a in page.tags if tag == "a"}
    assert links == ids and len(links) == 7


def test_numbers_stand_with_their_intervals(page, run):
    test = read_json(run / "metrics/test.json")
    headline = page.texts["ul"][0]
    low, high = test["macro_f1_low"], test["macro_f1_high"]
    assert f"{test['macro_f1']:.3f} macro-F1{low:.3f}–{high:.3f}" in headline
    (row,) = [text for text in page.texts["tr"] if text.startswith("grief †")]
    assert "0.450–0.650" in row


def test_validation_stands_beside_test(page, summary):
    (row,) = [text for text in page.texts["tr"] if text.startswith("this model on validation")]
    assert "0.560" in row
    assert re.search(r"\| micro-F1 \| 0\.610 \| \| 0\.620 \|", summary)


def test_all_labels_and_pictures_are_there(page):
    rows = [text.split(" ")[0] for text in page.texts["th"]]
    assert set(LABELS) <= set(rows)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 8 and all(image["alt"] for image in images)


def test_a_failed_audit_is_loud(run):
    leakage = read_json(run / "metrics/leakage.json")
    write_json(run / "metrics/leakage.json", {**leakage, "broken": 12})
    write_report(Path("reports"))
    page = Page(Path("reports/report.html").read_text())
    assert "Leak audit: FAILED" in page.texts["h2"]
    assert "FAILED" in page.texts["ul"][0]
    summary = Path("reports/report.md").read_text()
    assert "Leak audit: **FAILED**" in summary
    assert "**12 of 44 rules are broken**" in summary


def test_the_sample_corpus_always_says_so(tmp_path, monkeypatch):
    write_run(tmp_path, profile="sample", corpus="sample")
    (tmp_path / "corpora").mkdir()
    shutil.copy(ROOT / "corpora/sample.yaml", tmp_path / "corpora")
    monkeypatch.chdir(tmp_path)
    for path in write_report(tmp_path / "out"):
        assert SAMPLE.caption[1:] in path.read_text()


def test_without_texts_none_is_shown(run):
    write_report(Path("reports"), texts=False)
    content = Path("reports/report.html").read_text()
    assert LONG not in Page(content).texts["section"][-1]
    assert "Left out, as asked." in content


def test_without_data_the_rest_is_shown(run):
    (run / "data/split/test.parquet").unlink()
    write_report(Path("reports"))
    last = Page(Path("reports/report.html").read_text()).texts["section"][-1]
    assert "data/split/test.parquet: no such file; `dvc repro` makes it." in last


def test_the_summary_holds_no_text_of_the_corpus(summary):
    assert LONG not in summary
    assert "<script" not in summary


def test_tables_of_the_summary_are_regular(summary):
    for table in re.findall(r"(?:^\|.*\n)+", summary, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
    assert summary.count("\n| ") > 28
    assert "\n\n\n" not in summary


@pytest.mark.parametrize("folder", ["reports", "deep/er", ".", "a](b) c", "per%20cent"])
def test_links_of_the_summary_lead_to_the_pictures(run, folder):
    write_report(Path(folder))
    links = re.findall(r"\]\((\S+\.png)\)", (Path(folder) / "report.md").read_text())
    assert len(links) == 5
    assert all((Path(folder) / unquote(link)).exists() for link in links)


def test_the_same_files_give_the_same_bytes(run):
    first = [path.read_bytes() for path in write_report(Path("a"))]
    assert [path.read_bytes() for path in write_report(Path("b"))] == first


def test_without_data_torch_is_not_imported(run):
    """It takes seconds, and only the hardest rows need it."""
    (run / "data/split/test.parquet").unlink()
    code = "import sys; from emotion_slm.cli.app import app; app(standalone_mode=False)"
    check = "; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + check, "report"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]" and Path("reports/report.html").exists()
