"""CSV and TSV as programs write them, read and written without a character lost."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import LABELS
from support.scorer import StubScorer

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import delimited, lines
from emotion_slm.scoring.formats import Format, Quoting, default_output
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.readers import open_reader
from emotion_slm.scoring.run import score
from emotion_slm.scoring.sources import open_source
from emotion_slm.scoring.writers import create_writer

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
TEXTS = st.text(
    st.one_of(st.sampled_from(LINE_ENDS + '",;\t|\0 #=\ufeff😀'), st.characters(codec="utf-8")),
    max_size=12,
)


def scored(tmp_path, content, name="x.csv", **options) -> list[dict]:
    """Rows, by way of JSONL, with the reasons of those rejected at the end."""
    source, output = tmp_path / name, tmp_path / "out.jsonl"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    score(source, output, StubScorer(), Options(**options))
    rows = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
    rejected = tmp_path / "out.jsonl.rejected.jsonl"
    lines = rejected.read_text().splitlines() if rejected.exists() else []
    return rows + [json.loads(line) for line in lines]


@pytest.mark.parametrize("form", [Format.CSV, Format.TSV])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_any_text_is_read_back_as_it_was(tmp_path_factory, form, rows):
    """By the csv module, by pandas, and by our own reader."""
    folder = tmp_path_factory.getbasetemp()
    source, output = folder / "x.jsonl", folder / f"out.{form}"
    objects = [{"text": text, "note": note} for text, note in rows]
    source.write_text("".join(json.dumps(content) + "\n" for content in objects))
    score(source, output, StubScorer(), Options())
    delimiter = "\t" if form is Format.TSV else ","
    with output.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream, delimiter=delimiter, strict=True))
    assert [(row["text"], row["note"]) for row in found] == rows
    frame = pd.read_csv(output, sep=delimiter, dtype=str, keep_default_na=False)
    if not any("\0" in field for row in rows for field in row):  # where pandas ends a field
        assert list(zip(frame["text"], frame["note"], strict=True)) == rows
    with open_source(output) as opened:
        (chunk,) = open_reader(opened, form, "text", ()).chunks()
    assert chunk.texts == [text for text, _ in rows] and not chunk.rejected


@given(rows=st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_unquoted_text_is_written_as_it_was_read(tmp_path_factory, rows):
    rows = [[field.translate({ord(c): "" for c in "\t\r\n"}) for field in row] for row in rows]
    source = tmp_path_factory.getbasetemp() / "raw.tsv"
    source.write_text("".join("\t".join(row) + "\n" for row in [["text", "note"], *rows]), "utf-8")
    with open_source(source) as opened:
        reader = open_reader(opened, Format.TSV, "text", (), quoting=Quoting.NONE)
        writer = create_writer(source, Format.TSV, reader, LABELS)
        (chunk,) = reader.chunks()
        content = writer.encode(chunk.rows, [[]] * len(rows), np.zeros((len(rows), len(LABELS))))
    written = content.decode().split("\n")[:-1]
    assert [line.split("\t")[:2] for line in written] == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("sep", [False, True])
def test_delimiters_of_csv_files(tmp_path, delimiter, sep):
    table = io.StringIO()
    rows = [["id", "text", "a, b; c| d"], ["1", "one, two; three | four\t!", "x"], ["2", "y", "z"]]
    csv.writer(table, delimiter=delimiter).writerows(rows)
    content = (f"sep={delimiter}\r\n" if sep else "") + table.getvalue()
    found = scored(tmp_path, "\ufeff" + content)
    assert [list(row.values())[:3] for row in found] == rows[1:]
    # The output is separated as the input is.
    done = score(tmp_path / "x.csv", None, StubScorer(), Options())
    with done.output.open(newline="") as stream:
        assert [row[:3] for row in csv.reader(stream, delimiter=delimiter)] == rows


def test_sep_may_name_any_character(tmp_path):
    assert scored(tmp_path, "sep=#\nid#text\n1#a,b\n")[0]["text"] == "a,b"
    done = score(tmp_path / "x.csv", None, StubScorer(), Options())
    assert done.output.read_text().split("\n")[1].startswith('1,"a,b",')


def test_a_header_of_several_lines(tmp_path):
    found = scored(tmp_path, '"id\n(ours)";"note, if any\n(ours)";text\n1;x;a,b\n')
    assert [row["text"] for row in found] == ["a,b"]


def test_the_row_of_a_bad_line_counts_all_lines_before_it(tmp_path):
    found = scored(tmp_path, "\n\nsep=;\nid;text\n1;a\n2\n")
    assert found[0]["text"] == "a" and found[1]["line"] == 6


def test_unquoted_tsv_does_not_merge_rows(tmp_path):
    content = 'id\ttext\n1\t"hello\n2\tfoo "bar" baz\n3\tit ends here"\n4\t"whole"\n5\t"x" y\n'
    found = scored(tmp_path, content, "x.tsv")
    assert [row["text"] for row in found] == [
        '"hello', 'foo "bar" baz', 'it ends here"', "whole", '"x" y'
    ]  # fmt: skip


def test_a_tsv_quote_without_end_takes_no_other_row(tmp_path):
    content = "id\ttext\n" + "".join(f'{n}\t{""" " """.strip()}text {n}\n' for n in range(50))
    found = scored(tmp_path, content, "x.tsv")
    assert [row["text"] for row in found] == [f'"text {n}' for n in range(50)]


def test_quoted_tsv_is_read_as_before(tmp_path):
    rows = [["id", "text"], ["1", "two\nlines"], ["2", 'a "quote"\tand a tab'], ["3", "x"]]
    table = io.StringIO()
    csv.writer(table, delimiter="\t").writerows(rows)
    found = scored(tmp_path, table.getvalue(), "x.tsv")
    assert [row["text"] for row in found] == [row[1] for row in rows[1:]]


def test_tsv_that_is_neither_says_what_to_do(tmp_path):
    found = scored(tmp_path, 'id\ttext\n1\t"open\n2\n3\tx\n', "x.tsv", quoting=Quoting.DOUBLE)
    assert "lines 2 to 4" in found[0]["reason"] and "--quoting none" in found[0]["reason"]
    found = scored(tmp_path, 'id\ttext\n1\t"open\n2\n3\tx\n', "x.tsv", quoting=Quoting.NONE)
    assert [row.get("text", row.get("line")) for row in found] == ['"open', "x", 3]


@pytest.mark.parametrize(
    "content",
    ['My "favourite food\t27\tid1\n"Now I\t4,5\tid2\n', "one; two\t3\tid1\nthree\t4\tid2\n"],
)
@pytest.mark.parametrize("name", ["dev.tsv", "dev.csv"])
def test_a_file_without_a_header(tmp_path, content, name):
    found = scored(tmp_path, content, name, text_column="1", header=False)
    expected = [line.split("\t") for line in content.splitlines()]
    assert [[row["1"], row["2"], row["3"]] for row in found] == expected


def test_the_columns_of_a_headerless_file_are_given(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"no column 'text'; known: 1, 2; .*--text-column"):
        scored(tmp_path, "a\tb\n", "x.tsv", header=False)
    with pytest.raises(EmotionSlmError, match="no column '1'; with --no-header"):
        scored(tmp_path, "a\tb\n", "x.tsv", text_column="1")
    for name, content in (("x.jsonl", '{"text": "a"}'), ("x.txt", "a\n")):
        with pytest.raises(EmotionSlmError, match="--no-header goes with csv and tsv"):
            scored(tmp_path, content, name, header=False)
        with pytest.raises(EmotionSlmError, match="--quoting none goes with csv and tsv"):
            scored(tmp_path, content, name, quoting=Quoting.NONE)


@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_two_text_columns_are_refused(tmp_path, name):
    with pytest.raises(EmotionSlmError, match="two columns are called 'text'; rename one"):
        scored(tmp_path, "text\ttext\n1\t2\n", name)


def test_line_ends_of_every_system(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        found = scored(tmp_path, end.join(["id,text", '1,"a\rb"', '2,"c\r\nd"', "3,e", ""]))
        assert [row["text"] for row in found] == ["a\rb", "c\r\nd", "e"]


def test_a_row_of_endless_lines_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LINE_CHARACTERS", 1000)
    monkeypatch.setattr(delimited, "LINE_CHARACTERS", 1000)
    content = "id,text\n1,a\n2,b\n" + '"x\n",' * 300 + '"x"\n3,c\n'
    found = scored(tmp_path, content)
    assert [row["text"] for row in found if "text" in row] == ["a", "b", "c"]
    assert "a row above 1,000 characters" in found[3]["reason"]


def test_default_names_of_outputs_differ():
    """Of whatever inputs lie in one folder."""
    names = ["x.csv", "x", "x.CSV", "x.tsv", "x.txt", "x.csv.gz", "x.pq", "x.parquet", "x.scored"]
    names += ["x.ndjson", "x.jsonl", "x.jsonl.zst", "y.csv", "x.csv.csv"]
    outputs = {default_output(Path(name), form) for name in names for form in Format}
    assert len(outputs) == len(names) * len(Format) - (len(Format) - 1)  # "x" has one name for all
    assert default_output(Path("a/x.csv"), Format.CSV) == Path("a/x.scored.csv")
    assert default_output(Path("a/x.txt"), Format.CSV) == Path("a/x.txt.scored.csv")
