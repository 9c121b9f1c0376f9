"""The page and the summary of a review, from made-up differences with hostile names."""

import html
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from PIL import Image
from rich.console import Console
from support.report import CURVE, HOSTILE

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.repository import State
from emotion_slm.workbench.results import Origin
from emotion_slm.workbench.review import Change, Note, Plot, Review
from emotion_slm.workbench.review_page import screen, shown, write_review
from emotion_slm.workbench.review_scores import Headline, LabelScore, Score, TableChange

INJECTION = "@someone [x](https://evil.example) |\n# h `c` <img src=x> www.evil.example"
PLOTS = Path("metrics/plots")
NONE = Score(None, None)
GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")


class Base:
    name, commit = f"topic/{HOSTILE}", "a" * 40

    def read(self, path):
        return f"{CURVE}1,0.5,0.6,0.1,0.1\n".encode()


def png(path: Path, color: str) -> bytes:
    Image.new("RGB", (60, 30), color).save(path)
    return path.read_bytes()


@pytest.fixture
def found(tmp_path, monkeypatch):
    """In a folder that has the curve that changed."""
    monkeypatch.chdir(tmp_path)
    curve = tmp_path / PLOTS / "finetune_curve.csv"
    curve.parent.mkdir(parents=True)
    curve.write_text(f"{CURVE}1,0.5,0.5,0.2,0.1\n2,0.4,0.5,0.2,0.1\n")
    red, blue = png(tmp_path / "r.png", "red"), png(tmp_path / "b.png", "blue")
    return Review(
        base=Base(),
        state=State("b" * 40, [INJECTION]),
        origin=Origin(HOSTILE, "sample", "pooled"),
        notes=[Note(f"stale: {INJECTION}", True), Note("Leak audit: passed, 44 rules.", False)],
        params=[Change(INJECTION, INJECTION, None), Change("ismote.target", 4000, 1.5)],
        headline=[
            Headline("macro-F1", Score(0.5, 0.6), Score(0.5, 0.7, (0.45, 0.55), (0.65, 0.75))),
            Headline("micro-F1", NONE, Score(0.5, 0.51, (0.45, 0.55), (0.46, 0.56))),
            Headline("mean average precision", Score(0.5, 0.5), Score(0.5, 0.4)),
            Headline("AUROC", NONE, Score(0.9, 0.9)),
            Headline("NLL, cross-val.", Score(0.11, 0.12), NONE),
        ],
        labels=[
            LabelScore("joy", Score(0.6, 0.2, (0.5, 0.7), (0.1, 0.3))),
            LabelScore("fear", Score(0.5, 0.5)),
            LabelScore(INJECTION, Score(0.2, 0.6, (0.1, 0.3), (0.5, 0.7))),
        ],
        counts=[Change("balance: synthetic", 200, 150)],
        plots=[
            Plot(PLOTS / "per_label_f1.png", red, blue),
            Plot(PLOTS / "confusions.png", red, None),
            Plot(PLOTS / "threshold_curves.png", blue, blue),
            Plot(PLOTS / "finetune_curve.csv", b"", curve.read_bytes()),
        ],
        tables=[
            TableChange(
                PLOTS / "label_counts.csv",
                ["label"],
                ["train", "test"],
                [
                    ((INJECTION,), [("1", "2"), ("3", "3")]),
                    (("joy",), [("", INJECTION), ("", "3")]),
                ],
            )
        ],
    )


@pytest.fixture
def written(found, tmp_path) -> tuple[str, str]:
    write_review(found, tmp_path / "out")
    return tuple((tmp_path / "out" / name).read_text() for name in ("review.html", "review.md"))


def tags(summary: str) -> list[str]:
    return re.findall(r"<(\w+)", GITHUB.render(summary))


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_is_given(written):
    page, _ = written
    assert "<script" not in page and "<img src=x>" not in page
    sources = re.findall(r"""(?:src|href)=["']?([^"' >]+)""", page.replace("&lt;img src=x", ""))
    assert len(sources) == 4  # two sides of one picture, one of another, a curve
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_names_of_a_pull_request_stay_dead_in_its_comment(written):
    _, summary = written
    assert "@someone" not in summary and "](https" not in summary and "<script" not in summary
    assert {"a", "script"}.isdisjoint(tags(summary)) and tags(summary).count("h1") == 1
    assert "@\u200bsomeone" in html.unescape(summary)
    assert "www." not in summary and "https://" not in summary


def test_tables_of_the_summary_are_regular(written):
    tables = re.findall(r"(?:^\|.*\n)+", written[1], re.MULTILINE)
    assert len(tables) == 6
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_validation_stands_beside_test(written):
    for text in written:
        (row,) = [line for line in text.splitlines() if "macro-F1" in line]
        numbers = re.findall(r"[+−]?0\.\d{4}", row)
        assert numbers == ["0.5000", "0.6000", "+0.1000", "0.5000", "0.7000", "+0.2000"]
        (row,) = [line for line in text.splitlines() if "NLL, cross" in line]
        assert re.findall(r"[+−]?0\.\d{4}", row) == ["0.1100", "0.1200", "+0.0100"]


def test_noise_is_not_sold_as_gain(written):
    for text in written:
        (row,) = [line for line in text.splitlines() if "micro-F1" in line]
        assert "within the interval" in row and "+0.0100" in row
        (row,) = [line for line in text.splitlines() if "macro-F1" in line]
        assert "higher, beyond the interval" in row
        (row,) = [line for line in text.splitlines() if "mean average" in line]
        assert "no interval" in row and "−0.1000" in row
        assert "The same at both: AUROC." in text


def test_alarms_are_marked(written):
    page, summary = written
    assert page.count('<li class="alarm">') == 1 and summary.count("⚠️ **stale") == 1


def test_cells_that_differ_are_shown_with_both_values(written):
    page, summary = written
    assert "<td>1 → 2</td>" in page and '<td class="same">3</td>' in page
    assert "finetune&#95;curve.csv, label&#95;counts.csv" in summary


def test_only_changed_plots_are_written_and_those_of_an_older_review_go(found, tmp_path):
    out = tmp_path / "out"
    for part in ("before", "after"):
        (out / part).mkdir(parents=True)
        (out / part / "old.png").write_bytes(b"old")
    write_review(found, out)
    files = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert files == {"before/per_label_f1.png", "after/per_label_f1.png", "before/confusions.png"}
    assert set(sources(out / "review.md")) == files


def sources(path: Path) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'src="([^"]+)"', path.read_text())]


def test_hosted_pictures_are_those_of_the_two_commits(found, tmp_path):
    write_review(found, tmp_path / "out", "https://example.org/o/r/raw")
    prefix = "https://example.org/o/r/raw"
    assert sources(tmp_path / "out/review.md") == [
        f"{prefix}/{'a' * 40}/metrics/plots/per_label_f1.png",
        f"{prefix}/{'b' * 40}/metrics/plots/per_label_f1.png",
        f"{prefix}/{'a' * 40}/metrics/plots/confusions.png",
    ]


@pytest.mark.parametrize("hosted", [None, "https://example.org/raw"])
@pytest.mark.parametrize("name", ["a|b", "a`b", "a\nb", "a](x)", '"><b>x', "<!--", "@me", "%41#?"])
def test_a_picture_s_name_does_not_break_out_of_its_table(found, tmp_path, name, hosted):
    plot = Plot(PLOTS / f"{name}.png", b"one", b"two")
    write_review(found._replace(plots=[plot]), tmp_path / "out", hosted)
    summary = (tmp_path / "out/review.md").read_text()
    plain = found._replace(plots=[Plot(PLOTS / "plain.png", b"one", b"two")])
    write_review(plain, tmp_path / "plain", hosted)
    assert tags(summary) == tags((tmp_path / "plain/review.md").read_text())
    for link in sources(tmp_path / "out/review.md"):
        assert unquote(link).endswith(f"/{name}.png") and "\u200b" not in link
        assert hosted or (tmp_path / "out" / unquote(link)).exists()


def test_what_is_not_committed_is_not_hosted(found, tmp_path):
    dirty = found._replace(state=State("b" * 40, ["metrics/plots/per_label_f1.png"]))
    with pytest.raises(EmotionSlmError, match=r"per_label_f1\.png is not committed"):
        write_review(dirty, tmp_path / "out", "https://example.org/o/r/raw")


def test_a_curve_with_a_word_in_it_is_named(found, tmp_path):
    (tmp_path / PLOTS / "finetune_curve.csv").write_text(f"{CURVE}1,low,1,1,1\n")
    with pytest.raises(EmotionSlmError, match=r"finetune_curve\.csv: a cell is not a number.*low"):
        write_review(found, tmp_path / "out")


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_fits_and_says_the_same(found, width):
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(screen(found))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width
    for part in ("beyond: higher", "within", "per_label_f1.png", "stale: @someone"):
        assert part in text
    (row,) = [line for line in text.splitlines() if line.lstrip().startswith("macro-F1")]
    assert re.findall(r"[\d.+−]{5,}", row) == [
        "0.500", "0.600", "+0.1000", "0.500", "0.700", "+0.2000",
    ]  # fmt: skip
    assert "AUROC" not in text and "threshold_curves.png" not in text


def test_values_are_shown_short():
    assert [shown(value) for value in (None, True, 4000, 1.0e-4, "a")] == [
        "–", "true", "4,000", "0.0001", "a",
    ]  # fmt: skip
