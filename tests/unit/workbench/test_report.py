import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report import HOSTILE, LONG, write_run

from emotion_slm.common.files import read_json, write_json
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.tables import SAMPLE_CAPTION
from emotion_slm.workbench.report import facts, write_report

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
    assert any(HOSTILE in text for text in page.texts["td"])  # the audit's examples


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
    low, high = test["intervals"]["macro_f1"]
    assert f"{test['macro_f1']:.3f} macro-F1{low:.3f}–{high:.3f}" in headline
    low, high = test["per_label"]["grief"]["f1_interval"]
    (row,) = [text for text in page.texts["tr"] if text.startswith("grief †")]
    assert f"{low:.3f}–{high:.3f}" in row


def test_all_labels_and_pictures_are_there(page):
    rows = [text.split(" ")[0] for text in page.texts["th"]]
    assert set(LABELS) <= set(rows)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 10 and all(image["alt"] for image in images)


def test_a_failed_audit_is_loud(run):
    content = read_json(run / "metrics/leakage.json")
    content["must_be_zero"]["ids_in_several_splits"] = 12
    write_json(run / "metrics/leakage.json", {**content, "passed": False})
    write_report(Path("reports"))
    page = Page(Path("reports/report.html").read_text())
    assert "Leak audit: FAILED" in page.texts["h2"]
    assert "FAILED" in page.texts["ul"][0]
    summary = Path("reports/report.md").read_text()
    assert "Leak audit: **FAILED**" in summary
    assert "- **ids in several splits: 12**" in summary


def test_the_sample_corpus_always_says_so(tmp_path, monkeypatch):
    write_run(tmp_path, profile="sample", corpus="sample")
    monkeypatch.chdir(tmp_path)
    for path in write_report(tmp_path / "out"):
        assert SAMPLE_CAPTION[1:] in path.read_text()


def test_without_texts_none_is_shown(run):
    write_report(Path("reports"), texts=False)
    content = Path("reports/report.html").read_text()
    assert LONG not in Page(content).texts["section"][-1]
    assert "Left out, as asked." in content


def test_without_data_the_rest_is_shown(run):
    (run / "data/split/test.parquet").unlink()
    write_report(Path("reports"))
    last = Page(Path("reports/report.html").read_text()).texts["section"][-1]
    assert "data/split/test.parquet is missing" in last


def test_the_summary_holds_no_text_of_the_corpus(summary):
    assert LONG not in summary
    assert "<script" not in summary


def test_tables_of_the_summary_are_regular(summary):
    for table in re.findall(r"(?:^\|.*\n)+", summary, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
    assert summary.count("\n| ") > 28
    assert "\n\n\n" not in summary


@pytest.mark.parametrize("folder", ["reports", "deep/er", "."])
def test_links_of_the_summary_lead_to_the_pictures(run, folder):
    write_report(Path(folder))
    links = re.findall(r"\]\((.+\.png)\)", (Path(folder) / "report.md").read_text())
    assert len(links) == 10
    assert all((Path(folder) / link).exists() for link in links)


def test_the_same_files_give_the_same_bytes(run):
    first = [path.read_bytes() for path in write_report(Path("a"))]
    assert [path.read_bytes() for path in write_report(Path("b"))] == first


def test_facts_are_flat_and_short():
    findings = {
        "encoder_frozen": False,
        "rows": {"test": 10851, "train": 32495},
        "near_duplicates": {"cosine": {"count": 2, "per_label": {"joy": 2, "fear": 0}}},
        "pairs": [["a", "b"]] * 9,
        "nothing": {},
        "shift": 0.123456,
    }
    assert list(facts(findings)) == [
        ("encoder frozen", "no"),
        ("rows", "test 10,851, train 32,495"),
        ("near duplicates: cosine: count", "2"),
        ("near duplicates: cosine: per label", "joy 2"),
        ("pairs", ", ".join(["a – b"] * 5) + ", … (9 in all)"),
        ("nothing", "none"),
        ("shift", "0.1235"),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON))
def test_any_findings_can_be_shown(findings):
    assert all(isinstance(part, str) for fact in facts(findings) for part in fact)
