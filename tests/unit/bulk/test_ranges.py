"""A file read by ranges gives what it gives as a whole: rows, their lines, and what is rejected."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.bulk import make_job

from emotion_slm.bulk import units
from emotion_slm.bulk.sources import open_unit, plan_file
from emotion_slm.bulk.units import units_of
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import DELIMITERS, Format, Quoting
from emotion_slm.scoring.readers import open_reader
from emotion_slm.scoring.sources import open_source

# What cuts, joins or spoils rows, in any order.
PIECES = [
    b"a", b"b c", "é".encode(), "\u2028".encode(), b",", b";", b"\t", b'"', b'""', b'"x\ny"', b"\n",
    b"\r\n", b"\r", b"\n\n", b"\xff", b"\xc3", b" ", b"0", b"\x0c", b"\x1c", "\x85".encode(),
]  # fmt: skip
CONTENT = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)
SETTINGS = settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def whole(path: Path, job) -> list:
    with open_source(path) as source:
        reader = open_reader(
            source,
            job.reading,
            job.options.text_column,
            job.results,
            header=job.options.header,
            quoting=job.options.quoting,
        )
        return contents(reader)


def by_ranges(path: Path, job) -> tuple[list, list]:
    """What the units give together, and how many rows each was said to have and has."""
    found, counts = [], []
    for unit in units_of(plan_file(str(path), job), job):
        with open_unit(unit, job) as reader:
            rows = contents(reader)
        found += rows
        counts.append((unit.range.rows, len(rows)))
    return found, counts


def contents(reader) -> list:
    rows = []
    for chunk in reader.chunks():
        rows += [("row", fields) for fields in chunk.rows] + list(chunk.rejected)
    return rows


def check(path: Path, job) -> None:
    try:
        expected = whole(path, job)
    except EmotionSlmError as error:
        with pytest.raises(EmotionSlmError) as raised:
            plan_file(str(path), job)
        assert str(raised.value) == str(error)
        return
    found, counts = by_ranges(path, job)
    # A chunk tells its rows and those it rejects apart, so their order among them is lost.
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert [row for row in found if row[0] == "row"] == [row for row in expected if row[0] == "row"]
    assert all(said == there for said, there in counts)


@pytest.fixture
def three_rows(monkeypatch):
    monkeypatch.setattr(units, "UNIT_ROWS", 3)


@SETTINGS
@example(content=b'1,"a\nb"\n2,c\n3,d\n4,"e\r\nf"\n5,g\n', mark=True, header=True, quoting="double")
@example(content=b'1,a" b\n2,c"\n' * 4, mark=False, header=True, quoting="double")
@given(
    content=CONTENT,
    mark=st.booleans(),
    header=st.booleans(),
    quoting=st.sampled_from(["double", "none"]),
)
def test_csv(three_rows, tmp_path, content, mark, header, quoting):
    path = tmp_path / "x.csv"
    first = b"id,text\n" if header else b"1,x\n"
    path.write_bytes(b"\xef\xbb\xbf" * mark + first + content)
    column = "text" if header else "2"
    options = {"text_column": column, "header": header, "quoting": Quoting(quoting)}
    check(path, make_job(tmp_path / "out", Format.CSV, **options))


@SETTINGS
@given(content=CONTENT, delimiter=st.sampled_from(DELIMITERS), told=st.booleans())
def test_csv_of_another_delimiter(three_rows, tmp_path, content, delimiter, told):
    path = tmp_path / "x.csv"
    head = f"sep={delimiter}\n" * told + f"id{delimiter}text\n"
    path.write_bytes(head.encode() + content)
    check(path, make_job(tmp_path / "out", Format.CSV))


@SETTINGS
@example(content=b'1\t"a\n2\tb"\n3\tc\n4\td\n5\t"\n6\te\n')
@given(content=CONTENT)
def test_tsv(three_rows, tmp_path, content):
    path = tmp_path / "x.tsv"
    path.write_bytes(b"id\ttext\n" + content)
    check(path, make_job(tmp_path / "out", Format.TSV))


@SETTINGS
@given(
    lines=st.lists(
        st.sampled_from(
            [
                b'{"text": "a"}',
                b'{"text": 1}',
                b"{}",
                b"",
                b" ",
                "\u2003".encode(),
                b"\x1c",
                b"\xff",
            ]
        ),
        max_size=14,
    ),
    mark=st.booleans(),
    ended=st.booleans(),
)
def test_jsonl(three_rows, tmp_path, lines, mark, ended):
    path = tmp_path / "x.jsonl"
    content = b"\n".join(lines) + b"\n" * ended
    path.write_bytes(b"\xef\xbb\xbf" * mark + content)
    check(path, make_job(tmp_path / "out", Format.JSONL))


@SETTINGS
@given(content=CONTENT, mark=st.booleans())
def test_plain_lines(three_rows, tmp_path, content, mark):
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbf" * mark + content)
    check(path, make_job(tmp_path / "out", Format.LINES))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_what_cannot_be_cut_is_one_unit(tmp_path, encoding):
    import gzip

    path = tmp_path / "x.csv"
    content = "id,text\n" + "1,é\n" * 50
    data = content.encode(encoding)
    path.write_bytes(gzip.compress(data) if encoding == "utf-8" else data)
    job = make_job(tmp_path / "out", Format.CSV)
    (unit,) = units_of(plan_file(str(path), job), job)
    assert (unit.range.start, unit.range.stop, unit.range.rows) == (0, None, None)
    found, _ = by_ranges(path, job)
    assert found == whole(path, job)


def test_a_line_beyond_all_bounds_is_one_row(three_rows, tmp_path, monkeypatch):
    from emotion_slm.bulk import ranges
    from emotion_slm.scoring import lines

    for module in (ranges, lines):
        monkeypatch.setattr(module, "LINE_CHARACTERS", 64)
    for name, form, rows in (
        ("x.csv", Format.CSV, [3, 3, 3]),
        ("x.txt", Format.LINES, [3, 3, 3, 1]),
    ):
        path = tmp_path / name
        path.write_bytes(b"id,text\n" + b"1,a\n" * 4 + "é".encode() * 999 + b"\n" + b"2,b\n" * 4)
        job = make_job(tmp_path / "out", form)
        check(path, job)
        assert [part.rows for part in plan_file(str(path), job).ranges] == rows
