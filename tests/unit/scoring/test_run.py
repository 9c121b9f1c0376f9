import csv
import io
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.labels import GOEMOTIONS, LABELS, TARGETS
from support.scorer import StubScorer

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import chunks
from emotion_slm.scoring.formats import STANDARD, Format
from emotion_slm.scoring.label_groups import known_label_groups
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score


@pytest.fixture
def write(tmp_path):
    """Function: (content, name) → path of a file."""

    def make(content: str | bytes, name: str = "tickets.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "out" / "scored.csv"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def rejected(output: Path) -> list[tuple[int, str]]:
    path = output.with_name(output.name + ".rejected.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [(record["line"], record["reason"]) for record in records]


def assert_nothing_written(output: Path) -> None:
    assert not output.parent.exists() or list(output.parent.iterdir()) == []


def test_columns_stay_and_results_follow(write, output, classifier):
    source = write('id,text,note\n007,"happy, cat",NA\n1e5,the sad dog,\n')
    assert score(source, output, classifier, Options())[:3] == (output, 2, 0)
    rows = read(output)
    assert list(rows[0]) == ["id", "text", "note", "labels", *LABELS]
    assert [row["id"] for row in rows] == ["007", "1e5"]
    assert [row["note"] for row in rows] == ["NA", ""]
    assert rows[0]["text"] == "happy, cat"
    texts = ["happy, cat", "the sad dog"]
    found = np.array([[float(row[label]) for label in LABELS] for row in rows])
    np.testing.assert_allclose(found, classifier.predict_proba(texts), atol=6e-5)
    for row, labels in zip(rows, classifier.predict(texts), strict=True):
        assert row["labels"].split() == list(labels)
    assert [path.name for path in output.parent.iterdir()] == ["scored.csv"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7])
def test_chunks_join_without_a_seam(write, output, monkeypatch, count):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 3)
    texts = [f"happy {'cat ' * index}" for index in range(count)]
    source = write("text\n" + "".join(f"{text}\n" for text in texts))
    assert score(source, output, StubScorer(), Options()).records == count
    rows = read(output)
    assert [row["text"] for row in rows] == texts
    found = np.array([[float(row[label]) for label in LABELS] for row in rows])
    np.testing.assert_allclose(found, StubScorer().probabilities(texts), atol=6e-5)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_texts_come_back_as_they_were(write, tmp_path, suffix):
    texts = [
        "two\nlines",
        'a "quote"',
        " padded ",
        "😀",
        "null",
        "nul \0",
        "=1+1",
        "\t",
        "",
        "x" * 10**5,
    ]
    body = "".join('"' + text.replace('"', '""') + f'",{n}\n' for n, text in enumerate(texts))
    output = tmp_path / f"scored.{suffix}"
    assert score(write("text,n\n" + body), output, StubScorer(), Options()).rejected == 0
    if suffix == "parquet":
        found = pq.read_table(output)["text"].to_pylist()
    elif suffix == "jsonl":
        found = [json.loads(line)["text"] for line in output.open(encoding="utf-8")]
    else:
        with output.open(newline="", encoding="utf-8") as stream:
            found = [
                row["text"]
                for row in csv.DictReader(stream, delimiter="\t" if suffix == "tsv" else ",")
            ]
    assert found == texts


def test_csv_with_semicolons_comes_back_with_semicolons(write, output):
    source = write('\ufeffid;text\r\n1;"a; b"\r\n2;c, d\r\n3;e;f\r\n')
    assert score(source, output, StubScorer(), Options(labels="sentiment"))[:3] == (output, 3, 1)
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert [row["text"] for row in rows] == ["a; b", "c, d"]
    assert list(rows[0]) == [
        "id",
        "text",
        "labels",
        *known_label_groups("sentiment", GOEMOTIONS).names,
    ]
    assert rejected(output) == [(4, "3 fields where the header has 2; put a field that holds a "
                                    "separator in quotes")]  # fmt: skip


def test_a_comma_in_the_first_line_means_commas(write, output):
    score(write("text,a;b\nhappy;sad,1\n"), output, StubScorer(), Options())
    assert [row["text"] for row in read(output)] == ["happy;sad"]


def test_bad_csv_rows_are_named_and_the_rest_is_scored(write, output, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    content = (
        b'id,text\n1,happy\n2\n3,sad,extra\n4,\xff\xfe\n\n5,"a" b\n6,"two\nlines"\n7,"open\n8,x\n'
    )
    assert score(write(content), output, StubScorer(), Options())[:3] == (output, 7, 5)
    assert [row["id"] for row in read(output)] == ["1", "6"]
    lines = rejected(output)
    assert [line for line, _ in lines] == [3, 4, 5, 7, 10]
    assert "1 fields where the header has 2" in lines[0][1]
    assert "3 fields" in lines[1][1] and lines[2][1] == "not UTF-8"
    assert "lines 10 to 11" in lines[4][1]


def test_bad_json_rows_are_named_and_the_rest_is_scored(write, tmp_path):
    content = b'{"text": 1}\n\n{"text": "a", "n": 1.0}\nnope\n[]\n{"x": 1}\n{"text": "\xff"}\n'
    content += b'{"text": "b", "joy": 1}\n{"text": "c", "n": NaN}\n{"text": "\\ud800", "m": [null]}'
    output = tmp_path / "scored.jsonl"
    assert score(write(content, "x.jsonl"), output, StubScorer(), Options())[:3] == (output, 9, 7)
    rows = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert [list(row)[: len(row) - 29] for row in rows] == [["text", "n"], ["text", "m"]]
    assert rows[0]["n"] == 1.0 and isinstance(rows[0]["n"], float)
    assert rows[1]["text"] == "\ud800" and rows[1]["m"] == [None]
    assert all(isinstance(row["labels"], list) for row in rows)
    assert [line for line, _ in rejected(output)] == [1, 4, 5, 6, 7, 8, 9]


def test_parquet_keeps_its_types(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["a", None, "b", "a"]).dictionary_encode(),
            "when": pa.array([1, 2, 3, None], pa.timestamp("ns", tz="UTC")),
            "parts": pa.array([[1], [], None, [2, 3]], pa.list_(pa.int8())),
        }
    )
    source, output = tmp_path / "t.parquet", tmp_path / "o.parquet"
    pq.write_table(table, source)
    assert score(source, output, StubScorer(), Options(labels="ekman"))[:3] == (output, 4, 1)
    found = pq.read_table(output)
    assert found.schema.field("when").type == table.schema.field("when").type
    assert found.schema.field("parts").type == table.schema.field("parts").type
    assert found["text"].to_pylist() == ["a", "b", "a"]
    assert found["parts"].to_pylist() == [[1], None, [2, 3]]
    assert found.schema.field("joy").type == pa.float32()
    assert rejected(output) == [(2, "the text is null")]


def test_plain_lines(write):
    done = score(write(b"happy\r\n\nsad", "x.txt"), None, StubScorer(), Options())
    assert done.output.name == "x.txt.scored.csv"
    assert [row["text"] for row in read(done.output)] == ["happy", "", "sad"]


def test_jsonl_to_csv_has_the_columns_of_the_first_chunk(write, output, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    lines = [
        {"text": "a", "n": 1},
        {"text": "b", "d": {"x": None}},
        {"text": "c"},
        {"text": "d", "e": 1},
    ]
    source = write("".join(json.dumps(line) + "\n" for line in lines), "x.jsonl")
    assert score(source, output, StubScorer(), Options())[:3] == (output, 4, 1)
    assert [(row["n"], row["d"]) for row in read(output)] == [
        ("1", ""),
        ("", '{"x": null}'),
        ("", ""),
    ]
    assert "key 'e' has no column" in rejected(output)[0][1]


class Streams:
    """Standard input and output as bytes in memory."""

    def __init__(self, content: bytes = b""):
        self.buffer = io.BytesIO(content)
        self.buffer.close = lambda: None


def test_standard_input_to_standard_output(monkeypatch, capsys):
    streams = Streams(b'{"text": "a"}\nnope\n'), Streams()
    monkeypatch.setattr("sys.stdin", streams[0])
    monkeypatch.setattr("sys.stdout", streams[1])
    done = score(STANDARD, None, StubScorer(), Options(format=Format.JSONL, labels="targets"))
    assert done[:3] == (STANDARD, 2, 1)
    row = json.loads(streams[1].buffer.getvalue())
    assert list(row) == ["text", "labels", *TARGETS]
    assert json.loads(capsys.readouterr().err)["line"] == 2


@pytest.mark.parametrize("name", ["all", "targets", *GOEMOTIONS.groups])
def test_every_view_has_its_columns(write, output, name):
    score(write("text\na\n"), output, StubScorer(), Options(labels=name, threshold=0.0, top_k=2))
    (row,) = read(output)
    assert list(row) == ["text", "labels", *known_label_groups(name, GOEMOTIONS).names]
    best = sorted(
        known_label_groups(name, GOEMOTIONS).names, key=lambda column: -float(row[column])
    )[:2]
    assert sorted(row["labels"].split()) == sorted(best)


def test_groups_are_likelier_than_any_of_their_labels():
    probabilities = np.random.default_rng(0).random((50, len(LABELS)))
    for name in ("ekman", "sentiment"):
        groups = known_label_groups(name, GOEMOTIONS)
        shown = groups.probabilities(probabilities)
        for column, members in enumerate(groups.members):
            highest = probabilities[:, members].max(axis=1)
            assert (shown[:, column] >= highest).all() and (shown <= 1).all()
            independent = 1 - np.prod([1 - probabilities[:, m] for m in members], axis=0)
            np.testing.assert_allclose(shown[:, column], independent)
        covered = sorted(member for members in groups.members for member in members)
        assert covered == list(range(len(LABELS)))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "x.csv",
            "id,txt\n1,happy\n",
            r"no column 'text'; did you mean 'txt'\?; name it with --te",
        ),
        ("x.jsonl", '{"txt": "a"}\n', r"no column 'text'; did you mean 'txt'"),
        ("x.csv", "text,labels\nhappy,x\n", r"column 'labels' would be overwritten"),
        ("x.csv", "text,joy\nhappy,1\n", r"column 'joy' would be overwritten"),
        ("x.csv", "", r"it is empty"),
        ("x.jsonl", "", r"no rows to score"),
        ("x.txt", "", r"no rows to score"),
        ("x.csv", "text\n", r"no rows to score"),
        ("x.csv", "text\nhappy\n".encode("cp037"), r"its first row is not UTF-8"),
        ("x.parquet", "text\n", r"not a readable Parquet file"),
        ("x.log", "text\n", r"no known suffix; .*--format"),
    ],
)
def test_bad_files_are_named_and_nothing_is_written(write, output, name, content, expected):
    with pytest.raises(EmotionSlmError, match=rf"x\.\w+: ?{expected}"):
        score(write(content, name), output, StubScorer(), Options())
    assert_nothing_written(output)


def test_output_of_an_unknown_suffix_is_not_guessed(write, tmp_path):
    source, output = write("text\nhappy\n"), tmp_path / "scored.xlsx"
    with pytest.raises(EmotionSlmError, match=r"scored\.xlsx: no known suffix; .*--format"):
        score(source, output, StubScorer(), Options())
    assert not output.exists()
    assert score(source, tmp_path / "x.data", StubScorer(), Options(format=Format.CSV)).records == 1
    assert score(source, tmp_path / "no-suffix", StubScorer(), Options()).records == 1


def test_folder_and_missing_file_are_named(tmp_path, output):
    with pytest.raises(EmotionSlmError, match=r"is a folder; give a file"):
        score(tmp_path, output, StubScorer(), Options())
    with pytest.raises(EmotionSlmError, match=r"absent\.csv: no such file; .* --text"):
        score(tmp_path / "absent.csv", output, StubScorer(), Options())
    assert_nothing_written(output)


def test_memory_does_not_grow_with_the_rows(write, output, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 64)
    peaks = []
    for rows in (256, 2048):
        source = write("text\n" + "a text of some length\n" * rows)
        score(source, output, StubScorer(), Options(labels="sentiment"))  # imports and caches
        tracemalloc.start()
        score(source, output, StubScorer(), Options(labels="sentiment"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
