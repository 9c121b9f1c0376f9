import csv
from pathlib import Path

import pytest
from PIL import Image
from support.single import LABELS, frames

from benchmarks import few_shot
from benchmarks.few_shot import (
    ALL,
    COLUMNS,
    EPOCHS,
    OURS,
    SETFIT,
    append,
    draw,
    few,
    named,
    summary,
    turns,
)


def test_rows_are_drawn_by_class_and_seed():
    (frame,) = frames(200)
    drawn = few(frame, LABELS, 8, seed=1)
    assert [sum(row == [label] for row in drawn["labels"]) for label in LABELS.names] == [8, 8, 8]
    assert drawn["id"].tolist() == few(frame, LABELS, 8, seed=1)["id"].tolist()
    assert drawn["id"].tolist() != few(frame, LABELS, 8, seed=2)["id"].tolist()
    assert len(few(frame, LABELS, ALL, seed=1)) == 200


def test_more_rows_than_a_class_has_cannot_be_drawn():
    (frame,) = frames(40)
    with pytest.raises(ValueError, match="larger sample"):
        few(frame, LABELS, 39, seed=1)


@pytest.fixture
def table(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(few_shot, "TABLE", tmp_path / "few_shot.csv")
    return few_shot.TABLE


def test_contenders_take_turns_and_what_is_done_is_left(table):
    everyone = [*OURS, SETFIT]
    assert [turn[1] for turn in turns([8], [0, 1])] == everyone * 2
    line = dict(zip(COLUMNS, ("8", SETFIT, "0", "0.5", "9.0"), strict=True))
    append(line)
    assert list(turns([8], [0])) == [(8, contender, 0) for contender in OURS]
    with table.open(newline="") as file:
        assert list(csv.DictReader(file)) == [line]


def test_the_page_has_the_table_of_the_results():
    with Path("benchmarks/few_shot.csv").open(encoding="utf-8", newline="") as file:
        lines = summary(list(csv.DictReader(file)))
    page = Path("benchmarks/README.md").read_text(encoding="utf-8")
    assert lines and "\n".join(lines) in page


def test_the_picture_is_drawn_of_what_there_is(tmp_path):
    rows = [
        dict(zip(COLUMNS, (named(size), contender, seed, "0.5", "2.0"), strict=True))
        for size in EPOCHS
        for contender in OURS
        for seed in (0, 1)
    ]
    draw(rows, tmp_path / "few_shot.png")
    assert Image.open(tmp_path / "few_shot.png").width == 1200
