import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.labels import GOEMOTIONS, LABEL_INDEX

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.monitor.files import files_of
from emotion_slm.monitor.inputs import Cell, is_scored, read_scored
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.settings import (
    ALL_TEXTS,
    Settings,
    read_reference,
    read_zone,
    to_read,
    watched_columns,
)
from emotion_slm.scoring.label_groups import LabelGroups, known_label_groups

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


def test_nanoseconds_make_no_periods_of_their_own(tmp_path):
    times = pa.array([1_772_000_000_000_000_001, 1_772_000_000_000_000_002], pa.timestamp("ns"))
    table = pa.table({"at": times, "text": ["a", "b"], "anger": [0.5, 0.5], "joy": [0.5, 0.5]})
    pq.write_table(table, tmp_path / "x.parquet")
    found = read_scored([tmp_path / "x.parquet"], DAILY, LABELS)
    assert found.cells == [Cell(datetime(2026, 2, 25), ALL_TEXTS)]


def test_a_time_beyond_the_calendar_is_a_row_left_out(tmp_path):
    times = pa.array([300_000_000_000, 1_772_000_000], pa.timestamp("s"))
    table = pa.table({"at": times, "text": ["a", "b"], "anger": [0.5, 0.5], "joy": [0.5, 0.5]})
    pq.write_table(table, tmp_path / "x.parquet")
    found = read_scored([tmp_path / "x.parquet"], DAILY, LABELS)
    assert len(found.place) == 1 and "is no time" in found.unread[0].reason


@pytest.mark.parametrize("name", ["at", "joy"])
def test_two_columns_of_one_name_are_refused(tmp_path, name):
    names = ["at", "text", "anger", "joy", name]
    table = pa.table([pa.array(["2026-03-01"])] * 2 + [pa.array([0.5])] * 3, names=names)
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(EmotionSlmError, match=f"two columns are called '{name}'"):
        is_scored(tmp_path / "x.parquet", DAILY, LABELS)


def test_texts_without_an_author_are_of_many(tmp_path):
    rows = [row | {"author": author} for row, author in zip(ROWS, ("", "", "eve"), strict=True)]
    path = write(tmp_path / "x.csv", [*rows, *rows])
    found = read_scored([path], DAILY._replace(cluster="author"), LABELS)
    assert found.clusters.tolist() == [0, 1, 2, 3, 4, 2]


def test_half_a_surrogate_pair_is_no_end(tmp_path):
    path = write(tmp_path / "x.jsonl", [ROWS[0] | {"shop": "\ud800"}])
    (cell,) = read_scored([path], DAILY._replace(by="shop"), LABELS).cells
    assert cell.group == "\ufffd"


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
    assert "not JSON" in one.reason and one.row == 4


@pytest.mark.parametrize(("suffix", "rejected"), [(".csv", 3), (".jsonl", 2), (".parquet", 2)])
def test_rows_keep_their_numbers_beside_rejected_ones(tmp_path, suffix, rejected):
    wrong = ROWS[0] | {"at": "soon"}
    if suffix == ".parquet":
        rows = [ROWS[0], ROWS[1] | {"text": None}, wrong]
        path = write(tmp_path / "x.parquet", rows)
    else:
        path = write(tmp_path / f"x{suffix}", [ROWS[0], wrong])
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([*lines[:-1], "broken\n", lines[-1]]))
    unread = read_scored([path], DAILY, LABELS).unread
    assert [one.row for one in unread] == [rejected, 3]


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
    for name in ("_rejected/x.jsonl", ".hidden.csv", "x.rejected.jsonl", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert files_of([tmp_path]) == paths
    assert files_of([tmp_path, paths[0], tmp_path / "more/../a.csv"]) == paths
    assert files_of([tmp_path], tmp_path / "more") == paths[:1]
    with pytest.raises(EmotionSlmError, match="more: is the input; give another folder"):
        files_of([tmp_path / "more"], tmp_path / "more")
    assert files_of([tmp_path / "more"], tmp_path) == paths[1:]
    with pytest.raises(EmotionSlmError, match="no such file or folder"):
        files_of([tmp_path / "c.csv"])
    (tmp_path / "none").mkdir()
    with pytest.raises(EmotionSlmError, match="holds no file of"):
        files_of([tmp_path / "none"])


def test_a_file_beside_its_scored_rows_is_told(tmp_path):
    for name in ("x.csv", "x.scored.csv"):
        write(tmp_path / name, ROWS)
    with pytest.raises(EmotionSlmError, match=r"x\.csv: its rows are in .*x\.scored\.csv"):
        files_of([tmp_path])
    assert files_of([tmp_path / "x.csv"]) == [tmp_path / "x.csv"]


def test_the_option_of_the_text_column_is_named(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"name it with --text$"):
        is_scored(write(tmp_path / "x.csv", ROWS), DAILY._replace(text="body"), LABELS)


def test_labels_are_chosen_by_name():
    assert watched_columns((), GOEMOTIONS).names == GOEMOTIONS.names
    assert watched_columns(("targets",), GOEMOTIONS).names == GOEMOTIONS.targets
    assert watched_columns(("joy", "anger", "joy"), GOEMOTIONS).names == ("joy", "anger")
    with pytest.raises(EmotionSlmError, match=r"--labels angr: .*'anger'"):
        watched_columns(("angr",), GOEMOTIONS)


def test_a_grouping_is_watched_as_its_groups():
    found = watched_columns(("sentiment",), GOEMOTIONS)
    assert found == known_label_groups("sentiment", GOEMOTIONS)
    with pytest.raises(EmotionSlmError, match=r"--labels ekman: a grouping is watched by itself"):
        watched_columns(("joy", "ekman"), GOEMOTIONS)
    with pytest.raises(EmotionSlmError, match=r"--labels ekmann: .*'ekman'"):
        watched_columns(("ekmann",), GOEMOTIONS)


def test_what_is_read_is_what_the_columns_need():
    """Of exactly one label a text all labels are read, since each says something of all."""
    joy, anger = LABEL_INDEX["joy"], LABEL_INDEX["anger"]
    columns = LabelGroups(("bad", "joy"), ((anger, joy), (joy,)))
    assert to_read(columns, GOEMOTIONS) == ([anger, joy], columns._replace(members=((0, 1), (1,))))
    one = columns._replace(single=True)
    assert to_read(one, GOEMOTIONS) == (list(range(len(GOEMOTIONS))), one)


def test_references():
    assert read_reference(None) is None and read_reference("12") == 12
    assert read_reference("2026-01-01..2026-02-28") == (
        datetime(2026, 1, 1), datetime(2026, 2, 28, 23, 59, 59),
    )  # fmt: skip
    assert read_reference("2026-01-01..2026-02-28T10:00")[1] == datetime(2026, 2, 28, 10)


@pytest.mark.parametrize(
    "text",
    ["2", "0", "-4", "x", "8²", "..", "2026-01-01..", "2026-02-01..2026-01-01",
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
