from io import StringIO

import pytest
from rich.console import Console
from support.labels import LABELS, TARGETS

from emotion_slm.evaluation.tables import FEW_CAPTION, metrics_screen

CAPTION = "a corpus that proves nothing"


def shown(test: dict, labels: list[dict], caption: str = "") -> list[str]:
    console = Console(file=StringIO(), width=80)
    console.print(metrics_screen(test, labels, "minilm", "pooled", caption))
    return console.file.getvalue().splitlines()


@pytest.fixture
def numbers(evaluated) -> dict[str, float]:
    return evaluated.results.numbers["test"]


@pytest.fixture
def labels(evaluated) -> list[dict]:
    """The rows of per_label.csv, no label with few positives but grief."""
    rows = [{**row, "support": 1234} for row in evaluated.results.tables["per_label"]]
    rows[LABELS.index("grief")]["support"] = 19
    return rows


def test_the_headline_stands_first(numbers, labels):
    first, second, *_ = shown(numbers, labels)
    span = f"{numbers['macro_f1_low']:.3f}–{numbers['macro_f1_high']:.3f}"
    assert first.startswith(f"macro-F1 {numbers['macro_f1']:.3f} (95 % {span})")
    assert "profile minilm, pooled split" in first
    assert f"mAP {numbers['map']:.3f}" in second


def test_every_label_has_its_f1_targets_on_the_left(numbers, labels):
    lines = shown(numbers, labels)
    (joy,) = [row for row in labels if row["label"] == "joy"]
    (line,) = [line for line in lines if line.startswith("joy ")]
    assert line.split()[:4] == [
        "joy", f"{joy['f1']:.3f}", f"{joy['f1_low']:.2f}–{joy['f1_high']:.2f}", "1,234",
    ]  # fmt: skip
    names = [name for line in lines[4:] for name in line.split() if name in LABELS]
    assert sorted(names) == sorted(LABELS)
    assert {line.split()[0] for line in lines if line.split()[:1] and line[0] != " "} >= {*TARGETS}


def test_the_whole_fits_a_terminal_without_being_cut(numbers, labels):
    lines = shown(numbers, [{**row, "support": 10_000} for row in labels])
    assert max(map(len, lines)) <= 80 and len(lines) <= 24
    assert not any("…" in line for line in lines)


def test_labels_with_few_positives_are_marked_and_explained(numbers, labels):
    lines = shown(numbers, labels)
    assert [line for line in lines if line.rstrip().endswith("*")] == [
        line for line in lines if " grief " in line
    ]
    assert FEW_CAPTION in lines
    assert FEW_CAPTION not in shown(numbers, [{**row, "support": 100} for row in labels])


def test_rows_as_read_from_the_file_look_the_same(numbers, labels):
    read = [{name: str(cell) for name, cell in row.items()} for row in labels]
    assert shown(numbers, read) == shown(numbers, labels)


def test_a_caption_is_always_shown(numbers, labels):
    assert CAPTION not in shown(numbers, labels)
    assert CAPTION in shown(numbers, labels, CAPTION)


def test_labels_that_are_all_targets_stand_in_two_halves(numbers, labels):
    lines = shown(numbers, [{**row, "target": True} for row in labels])
    names = [name for line in lines[4:] for name in line.split() if name in LABELS]
    assert sorted(names) == sorted(LABELS) and len(lines) <= 24
