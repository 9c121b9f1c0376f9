"""Parquet as other programs write it: every type, names twice, and pages that are damaged."""

import csv
import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.labels import GOEMOTIONS
from support.scorer import StubScorer

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import chunks
from emotion_slm.scoring.parquet import plain
from emotion_slm.scoring.plan import Options, check
from emotion_slm.scoring.run import Summary, score

YEAR_10000 = 253402300800
FAR = "10000-01-01 00:00:00.000Z"
CATEGORY = pa.dictionary(pa.uint32(), pa.string())


def invalid_utf8() -> pa.Array:
    offsets = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ab\xff\xfe")])


# Two values of each type, and how the second comes out in CSV.
COLUMNS = {
    "list of categories": (pa.array([["a"], ["a", "b"]]).cast(pa.list_(CATEGORY)), '["a", "b"]'),
    "struct of categories": (
        pa.StructArray.from_arrays([pa.array(["a", "b"]).cast(CATEGORY)], ["x"]), '{"x": "b"}'
    ),
    "map of categories": (
        pa.array([[("k", "a")], [("l", "b")]], pa.map_(pa.string(), pa.string())).cast(
            pa.map_(pa.string(), CATEGORY)
        ),
        '[["l", "b"]]',
    ),
    "lists of two": (
        pa.array([["a", "b"], ["c", "d"]]).cast(pa.list_(pa.string_view(), 2)), '["c", "d"]'
    ),
    "far future": (pa.array([0, YEAR_10000 * 1000], pa.timestamp("ms", "UTC")), FAR),
    "far future in a list": (
        pa.array([[0], [YEAR_10000 * 10**6]], pa.list_(pa.timestamp("us"))),
        '["10000-01-01 00:00:00.000000"]',
    ),
    "far date": (pa.array([0, 10**7], pa.date32()), "29349-01-26"),
    "unknown zone": (pa.array([0, 1], pa.timestamp("s", "Mars/Phobos")), "1000"),
    "long duration": (pa.array([0, 2**62], pa.duration("ms")), str(2**62)),
    "duration": (pa.array([0, 90], pa.duration("s")), "0:01:30"),
    "decimal": (pa.array([0, 12345], pa.int64()).cast(pa.decimal256(40, 3)), "12345.000"),
    "not utf-8": (invalid_utf8(), "\ufffd\ufffd"),
    "string view": (pa.array(["a", "b"]).cast(pa.string_view()), "b"),
    "binary view": (pa.array([b"a", b"b"]).cast(pa.binary_view()), "b'b'"),
    "large string": (pa.array(["a", "b"], pa.large_string()), "b"),
    "null": (pa.nulls(2), ""),
    "half": (pa.array([0, 0.5], pa.float16()), "0.5"),
    "nan": (pa.array([0, float("nan")]), "null"),
    "time": (pa.array([0, 1], pa.time64("us")), str(datetime.time(microsecond=1))),
    "a.b": (pa.array([1, 2]), "2"),
    "uuid": (pa.array([b"a" * 16, b"b" * 16], pa.uuid()), "62626262-6262-6262-6262-626262626262"),
}  # fmt: skip


@pytest.fixture
def outputs(tmp_path):
    """Function: table → its rows from CSV and from JSONL, and the table from Parquet."""

    def make(table: pa.Table):
        source = tmp_path / "x.parquet"
        pq.write_table(table, source)
        found = {}
        for suffix in ("csv", "jsonl", "parquet"):
            found[suffix] = tmp_path / f"out.{suffix}"
            score(source, found[suffix], StubScorer(), Options(labels="sentiment"))
        with found["csv"].open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        objects = [json.loads(line) for line in found["jsonl"].read_text("utf-8").splitlines()]
        return rows, objects, pq.read_table(found["parquet"])

    return make


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("rejected", [False, True])
def test_every_type_comes_out(outputs, name, rejected):
    values, expected = COLUMNS[name]
    texts = pa.array([None if rejected else "one", "two"])
    table = pa.table({name: values, "text": texts})
    rows, objects, found = outputs(table)
    assert rows[-1][name] == expected and rows[-1]["text"] == "two"
    value = objects[-1][name]
    assert (value if isinstance(value, str) else json.dumps(value)) in (
        expected,
        expected or "null",
    )
    # Parquet keeps value and type.
    original = pq.read_table(pa.BufferReader(_bytes(table)))
    kept = found[name]
    assert kept.type == original[name].type
    expected = original[name].slice(1).cast(plain(original[name].type))
    kept = kept.slice(len(kept) - 1).cast(plain(kept.type))
    assert kept.equals(expected) or name == "nan"


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "kind", [pa.string_view(), pa.large_string(), CATEGORY, pa.dictionary(pa.int8(), pa.string())]
)
def test_texts_of_every_string_type(outputs, kind):
    texts = ["happy", None, "", "a" * 40, "happy"]
    rows, objects, found = outputs(pa.table({"text": pa.array(texts).cast(kind)}))
    good = [text for text in texts if text is not None]
    assert [row["text"] for row in rows] == good == [row["text"] for row in objects]
    assert found["text"].to_pylist() == good


def test_two_columns_of_one_name(tmp_path):
    source, output = tmp_path / "x.parquet", tmp_path / "out.csv"
    arrays = [pa.array([1, 2]), pa.array(["a", "b"]), pa.array(["x", "y"])]
    pq.write_table(pa.Table.from_arrays(arrays, ["n", "text", "n"]), source)
    score(source, output, StubScorer(), Options())
    with output.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert [row[:3] for row in rows] == [["n", "text", "n"], ["1", "a", "x"], ["2", "b", "y"]]
    for suffix in ("jsonl", "parquet"):
        with pytest.raises(EmotionSlmError, match=r"x\.parquet: two columns have one name"):
            check(source, tmp_path / f"o.{suffix}", Options(), GOEMOTIONS)
    pq.write_table(pa.Table.from_arrays(arrays[1:], ["text", "text"]), source)
    with pytest.raises(EmotionSlmError, match="two columns are called 'text'"):
        score(source, output, StubScorer(), Options())


def damaged(path: Path, group: int, column: int) -> None:
    """Overwrite the second half of a column of one row group."""
    metadata = pq.ParquetFile(path).metadata.row_group(group).column(column)
    begin = metadata.data_page_offset
    if metadata.dictionary_page_offset:
        begin = min(begin, metadata.dictionary_page_offset)
    size = metadata.total_compressed_size
    content = bytearray(path.read_bytes())
    content[begin + size // 2 : begin + size] = b"\xff" * (size - size // 2)
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize(
    ("compression", "checksum"),  # without either, nothing tells the damage
    [("snappy", False), ("zstd", False), ("none", True), ("snappy", True)],
)
def test_a_damaged_page_loses_the_rows_it_must(
    tmp_path, monkeypatch, suffix, column, compression, checksum
):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 16)
    source, output = tmp_path / "x.parquet", tmp_path / f"out.{suffix}"
    table = pa.table(
        {"n": range(300), "text": [f"text {row} {hash(str(row))}" for row in range(300)]}
    )
    pq.write_table(
        table, source, row_group_size=100, compression=compression, use_dictionary=False,
        data_page_size=256, write_page_checksum=checksum, max_rows_per_page=20,
    )  # fmt: skip
    damaged(source, 1, column)
    done = score(source, output, StubScorer(), Options())
    assert done.rejected == 1 and 201 <= done.records <= 300
    reason = json.loads((tmp_path / f"out.{suffix}.rejected.jsonl").read_text())
    assert f"rows {reason['line']} to 200 cannot be read" in reason["reason"]
    assert reason["line"] == done.records - 100  # all before it, and the group after it, are there
    if suffix == "parquet":
        numbers = pq.read_table(output)["n"].to_pylist()
        assert numbers == [*range(reason["line"] - 1), *range(200, 300)]


@pytest.mark.parametrize("flip", range(0, 40))
def test_a_flipped_byte_anywhere_ends_in_a_message_or_in_rows(tmp_path, flip):
    source = tmp_path / "x.parquet"
    texts = [f"text {row}" for row in range(200)]
    pq.write_table(pa.table({"text": texts}), source, row_group_size=50)
    content = bytearray(source.read_bytes())
    content[len(content) * flip // 40] ^= 0xFF
    source.write_bytes(content)
    try:
        done = score(source, tmp_path / "out.csv", StubScorer(), Options())
        assert isinstance(done, Summary)
    except EmotionSlmError as error:
        assert "x.parquet: " in str(error)


def test_small_row_groups_are_scored_together(tmp_path):
    source = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"text": [f"text {row}" for row in range(100)]}), source, row_group_size=1
    )

    class Counting(StubScorer):
        calls = 0

        def probabilities(self, texts):
            Counting.calls += 1
            return super().probabilities(texts)

    assert score(source, tmp_path / "out.csv", Counting(), Options()).records == 100
    assert Counting.calls == 1


def test_long_texts_come_in_small_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 10_000)
    source = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": [str(row) * 4000 for row in range(50)]}), source)
    most = []

    class Watching(StubScorer):
        def probabilities(self, texts):
            most.append(sum(map(len, texts)))
            return super().probabilities(texts)

    assert score(source, tmp_path / "out.csv", Watching(), Options()).records == 50
    assert max(most) < 30_000


def test_what_is_no_parquet_or_no_text(tmp_path):
    source = tmp_path / "x.parquet"
    for content in (b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"text\nhappy\n"):
        source.write_bytes(content)
        with pytest.raises(EmotionSlmError, match=r"x\.parquet: not a readable Parquet file"):
            score(source, None, StubScorer(), Options())
    for column in (pa.array([1]), pa.nulls(1), pa.array([b"a"]), pa.array([["a"]])):
        pq.write_table(pa.table({"text": column}), source)
        with pytest.raises(EmotionSlmError, match=r"holds .*, not strings; cast it to string"):
            score(source, None, StubScorer(), Options())
