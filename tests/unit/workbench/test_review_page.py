"""The page and the summary of a review, from made-up differences with hostile names."""

import re
from pathlib import Path

import pytest
from emotion_slm.workbench.review_plots import Plot
from emotion_slm.workbench.revisions import State
from PIL import Image
from rich.console import Console
from support.report import HOSTILE

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.review import Audit, Change, Review
from emotion_slm.workbench.review_page import markdown, screen, shown, signed, write_review
from emotion_slm.workbench.review_scores import Score

INJECTION = "@someone [x](https://evil.example) |\n# h `c` <img src=x> www.evil.example"


class Base:
    name, commit = f"topic/{HOSTILE}", "a" * 40


def png(path: Path, color: str) -> bytes:
    Image.new("RGB", (60, 30), color).save(path)
    return path.read_bytes()


@pytest.fixture
def found(tmp_path):
    red, blue = png(tmp_path / "r.png", "red"), png(tmp_path / "b.png", "blue")
    plots = Path("metrics/plots")
    audit = Audit(True, {}, 44)
    return Review(
        base=Base(),
        state=State("b" * 40, [INJECTION]),
        stale=["evaluate"],
        profile=HOSTILE,
        corpus="sample",
        same_rows=False,
        params=[Change(INJECTION, INJECTION, None), Change("profiles.x.target", 4000, 1.5)],
        files=[],
        headline=[
            Score("macro-F1", 0.5, 0.7, (0.45, 0.55), (0.65, 0.75)),
            Score("micro-F1", 0.5, 0.51, (0.45, 0.55), (0.46, 0.56)),
            Score("mean average precision", 0.5, 0.4, None, None),
            Score("AUROC", 0.9, 0.9, None, None),
        ],
        labels=[
            Score("joy", 0.6, 0.2, (0.5, 0.7), (0.1, 0.3)),
            Score("fear", 0.5, 0.5, None, None),
        ],
        audits=(audit, audit),
        counts=[Change("rows.synthetic", 200, 150)],
        metrics={"metrics/test.json": 3},
        plots=[
            Plot(plots / "per_label_f1.png", red, blue),
            Plot(plots / "confusions.png", red, None),
            Plot(plots / "reliability.png", blue, blue),
            Plot(plots / "c.csv", b"epoch,loss\n1,0.5\n2,0.4\n", b"epoch,loss\n"),
        ],
    )


@pytest.fixture
def written(found, tmp_path) -> tuple[str, str]:
    write_review(found, tmp_path / "out")
    return tuple((tmp_path / "out" / name).read_text() for name in ("review.html", "review.md"))


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_is_given(written):
    page, _ = written
    assert "<script" not in page and "<img src=x>" not in page
    sources = re.findall(r"""(?:src|href)=["']?([^"' >]+)""", page.replace("&lt;img src=x", ""))
    assert len(sources) == 4  # two sides of one picture, one of another, a curve
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_names_of_a_pull_request_stay_dead_in_its_comment(written):
    _, summary = written
    assert "@someone" not in summary and "](https" not in summary and "<script" not in summary
    for table in re.findall(r"(?:^\|.*\n)+", summary, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_noise_is_not_sold_as_gain(written):
    for text in written:
        rows = [line for line in text.splitlines() if "micro-F1" in line]
        assert len(rows) == 1 and "within the interval" in rows[0] and "+0.0100" in rows[0]
        (row,) = [line for line in text.splitlines() if "macro-F1" in line]
        assert "higher, beyond the interval" in row and "+0.2000" in row
        (row,) = [line for line in text.splitlines() if "mean average" in line]
        assert "no interval" in row and "−0.1000" in row
        assert "The same at both: AUROC." in text


def test_alarms_come_first(written):
    for text in written:
        assert text.index("would run evaluate") < text.index("Leak audit: passed")
        assert "other rows" in text and "Sample corpus" in text


def test_only_changed_plots_are_written_and_those_of_an_older_review_go(found, tmp_path):
    out = tmp_path / "out"
    for part in ("before", "after", "curves"):
        (out / part).mkdir(parents=True)
        (out / part / "old.png").write_bytes(b"old")
    write_review(found, out)
    files = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert files == {
        "before/per_label_f1.png",
        "after/per_label_f1.png",
        "before/confusions.png",
        "curves/c.png",
    }
    links = re.findall(r'src="([^"]+)"', (out / "review.md").read_text())
    assert set(links) == files - {"curves/c.png"}


def test_hosted_pictures_are_those_of_the_two_commits(found, tmp_path):
    write_review(found, tmp_path / "out", "https://example.org/o/r/raw")
    links = re.findall(r'src="([^"]+)"', (tmp_path / "out/review.md").read_text())
    prefix = "https://example.org/o/r/raw"
    assert links == [
        f"{prefix}/{'a' * 40}/metrics/plots/per_label_f1.png",
        f"{prefix}/{'b' * 40}/metrics/plots/per_label_f1.png",
        f"{prefix}/{'a' * 40}/metrics/plots/confusions.png",
    ]


def test_what_is_not_committed_is_not_hosted(found, tmp_path):
    dirty = found._replace(state=State("b" * 40, ["metrics/plots/per_label_f1.png"]))
    with pytest.raises(EmotionSlmError, match=r"per_label_f1\.png is not committed"):
        write_review(dirty, tmp_path / "out", "https://example.org/o/r/raw")


def test_a_curve_with_a_word_in_it_is_named(found, tmp_path):
    broken = found._replace(plots=[Plot(Path("metrics/plots/c.csv"), b"epoch,loss\n1,low\n", None)])
    with pytest.raises(EmotionSlmError, match=r"c\.csv: a cell is not a number.*low"):
        write_review(broken, tmp_path / "out")


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_fits_and_says_the_same(found, width):
    console = Console(width=width, record=True, file=None, quiet=True)
    with console.capture() as capture:
        Console(width=width).print("")
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(screen(found))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width
    for part in ("beyond: higher", "beyond: lower", "within", "per_label_f1.png", "would run"):
        assert part in text
    assert "AUROC" not in text and "reliability.png" not in text


def test_values_are_shown_short():
    assert [shown(value) for value in (None, True, 4000, 1.0e-4, "a")] == [
        "–", "true", "4,000", "0.0001", "a",
    ]  # fmt: skip
    assert [signed(value) for value in (None, 0.1, -0.00004)] == ["–", "+0.1000", "−0.0000"]
    assert markdown("a_b-1.5 é") == "a_b-1.5 é"
