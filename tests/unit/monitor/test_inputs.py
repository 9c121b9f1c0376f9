import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.labels import GOEMOTIONS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.monitor.inputs import Cell, files_of, is_scored, read_scored
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.settings import (
    ALL_TEXTS,
    Settings,
    chosen_labels,
    read_reference,
    read_zone,
)

LABELS = ("anger", "joy")
DAILY = Settings(time="at", every=Every.DAY, latest=datetime(2026, 6, 1, tzinfo=UTC))
ROWS = [
    {"at": "2026-03-02T10:00:00Z", "text": "one", "shop": "a", "anger": 0.25, "joy": 0.5},
    {"at": "2026-03-01", "text": "two", "shop": "b", "anger": 0.75, "joy": 0.0},
    {"at": "2026-03-02", "text": "three", "shop": "a", "anger": 1.0, "joy": 0.125},
]
FIRST, SECOND = datetime(2026, 3, 1), datetime(2026, 3, 2)


def write(path: Path, rows: list[dict]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same(tmp_path, suffix):
    found = read_scored([write(tmp_path / f"x{suffix}", ROWS)], DAILY._replace(by="shop"), LABELS)
    assert found.cells == [Cell(SECOND, "a"), Cell(FIRST, "b")]
    assert found.place.tolist() == [0, 1, 0]
    assert found.probabilities.tolist() == [[0.25, 0.5], [0.75, 0.0], [1.0, 0.125]]
    assert found.clusters is None and found.unread == []


def test_parquet_may_hold_times_as_such(tmp_path):
    rows = [row | {"at": datetime.fromisoformat(row["at"])} for row in ROWS[1:]]
    found = read_scored([write(tmp_path / "x.parquet", rows)], DAILY, LABELS)
    assert found.cells == [Cell(FIRST, ALL_TEXTS), Cell(SECOND, ALL_TEXTS)]


def test_clusters_are_numbered_across_files(tmp_path):
    paths = [write(tmp_path / f"{name}.csv", ROWS) for name in "xy"]
    found = read_scored(paths, DAILY._replace(cluster="shop"), LABELS)
    assert found.clusters.tolist() == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_rows_that_cannot_be_used_are_listed_with_their_reason(tmp_path, suffix):
    wrong = [{"at": ""}, {"at": "soon"}, {"at": "2027-01-01"}, {"joy": "high"}, {"anger": 1.5}]
    path = write(tmp_path / f"x{suffix}", [*ROWS, *(ROWS[0] | one for one in wrong), ROWS[1]])
    found = read_scored([path], DAILY, LABELS)
    assert len(found.place) == 4
    assert [(one.file, one.row) for one in found.unread] == [
        (str(path), row) for row in range(4, 9)
    ]
    reasons = [one.reason for one in found.unread]
    assert reasons[0] == "at: no time" and "'soon' is no time" in reasons[1]
    assert "lies in the future" in reasons[2] and "no probability" in reasons[3]
    assert "no probability" in reasons[4]


def test_rows_that_the_reader_rejects_are_listed_too(tmp_path):
    path = write(tmp_path / "x.jsonl", ROWS)
    path.write_text(path.read_text() + "{broken\n")
    (one,) = read_scored([path], DAILY, LABELS).unread
    assert "not JSON" in one.reason


def test_no_row_that_can_be_used_is_an_error_that_names_one(tmp_path):
    path = write(tmp_path / "x.csv", [ROWS[0] | {"at": "12/03/2026"}])
    with pytest.raises(
        EmotionSlmError, match=r"x\.csv: no row can be used; row 1: at: .*ISO dates"
    ):
        read_scored([path], DAILY, LABELS)


def test_an_empty_file_is_an_error(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("at,text,anger,joy\n")
    with pytest.raises(EmotionSlmError, match="holds no rows"):
        read_scored([path], DAILY, LABELS)


def test_too_many_groups_are_refused(tmp_path):
    rows = [ROWS[0] | {"shop": str(number)} for number in range(51)]
    with pytest.raises(EmotionSlmError, match="'shop' has more than 50 values"):
        read_scored([write(tmp_path / "x.csv", rows)], DAILY._replace(by="shop"), LABELS)


def test_too_many_periods_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("emotion_slm.monitor.inputs.MOST_CELLS", 1)
    with pytest.raises(EmotionSlmError, match="longer periods with --every"):
        read_scored([write(tmp_path / "x.csv", ROWS)], DAILY, LABELS)


def test_whether_a_file_is_scored(tmp_path):
    path = write(tmp_path / "x.csv", ROWS)
    assert is_scored(path, DAILY, LABELS)
    assert not is_scored(path, DAILY, ("fear", "grief"))
    with pytest.raises(EmotionSlmError, match="no column 'fear', though it has some"):
        is_scored(path, DAILY, ("anger", "fear"))
    for wrong in ({"time": "att"}, {"by": "shops"}, {"cluster": "author"}, {"text": "txt"}):
        with pytest.raises(EmotionSlmError, match=r"x\.csv: no column "):
            is_scored(path, DAILY._replace(**wrong), LABELS)


def test_plain_lines_have_no_times(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("a\n")
    with pytest.raises(EmotionSlmError, match="plain lines have no times"):
        is_scored(path, DAILY, LABELS)


def test_folders_are_read_whole(tmp_path):
    (tmp_path / "more").mkdir()
    paths = [write(tmp_path / "a.csv", ROWS), write(tmp_path / "more" / "b.jsonl", ROWS)]
    (tmp_path / "notes.md").write_text("")
    assert files_of([tmp_path]) == paths
    with pytest.raises(EmotionSlmError, match="no such file or folder"):
        files_of([tmp_path / "c.csv"])
    (tmp_path / "none").mkdir()
    with pytest.raises(EmotionSlmError, match="holds no file of"):
        files_of([tmp_path / "none"])


def test_labels_are_chosen_by_name():
    assert chosen_labels((), GOEMOTIONS) == GOEMOTIONS.names
    assert chosen_labels(("targets",), GOEMOTIONS) == GOEMOTIONS.targets
    assert chosen_labels(("joy", "anger", "joy"), GOEMOTIONS) == ("joy", "anger")
    with pytest.raises(EmotionSlmError, match=r"--labels angr: .*'anger'"):
        chosen_labels(("angr",), GOEMOTIONS)


def test_references():
    assert read_reference(None) is None and read_reference("12") == 12
    assert read_reference("2026-01-01..2026-02-28") == (
        datetime(2026, 1, 1), datetime(2026, 2, 28),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["2", "0", "-4", "x", "..", "2026-01-01..", "2026-02-01..2026-01-01",
     "2026-01-01T00:00Z..2026-02-01"],
)  # fmt: skip
def test_wrong_references_are_refused(text):
    with pytest.raises(EmotionSlmError, match="--reference"):
        read_reference(text)


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime"])
def test_unknown_zones_are_refused(name):
    with pytest.raises(EmotionSlmError, match="--zone"):
        read_zone(name)


def test_memory_stays_small(tmp_path):
    found = read_scored([write(tmp_path / "x.csv", ROWS * 2000)], DAILY, LABELS)
    assert found.probabilities.dtype == np.float32 and found.place.dtype == np.int32
