"""Reading a described corpus: each layout gives the same rows, and what is wrong is said."""

import csv
import json
import re
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import checked
from emotion_slm.corpus.description import Description
from emotion_slm.corpus.reading import read_rows
from emotion_slm.corpus.tables import read_table

COMMON = {"text": "body", "labels": {"column": "topics", "separator": ","}}


def describe(**keys) -> Description:
    return checked(Description, COMMON | keys, Path("corpora/tickets.yaml"))


def read(folder: Path, content: str | bytes, name="t.csv", **keys):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows("tickets", describe(files=name, **keys), folder=folder)


def rows(reading) -> list[tuple[str, list[str]]]:
    return list(zip(reading.frame["text"], reading.frame["labels"], strict=True))


def said(reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


# --- every layout of labels, in every format -------------------------------------------------

NAMES = ["anger", "joy", "very angry", "3"]
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1
).filter(lambda text: text.strip() and "\ufeff" not in text)
TABLES = st.lists(
    st.tuples(
        st.one_of(
            TEXTS, st.sampled_from(["NA", "null", "None", "nan", "1", "true", '"', "a\tb", "ä"])
        ),
        st.lists(st.sampled_from(NAMES), unique=True, min_size=1),
    ),
    min_size=1,
    max_size=8,
)


def write_csv(path: Path, table, cells, header: list[str]) -> None:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["body", *header])
        writer.writerows([text, *cells(labels)] for text, labels in table)


def write_jsonl(path: Path, table, cells, header: list[str]) -> None:
    lines = [
        json.dumps(dict(zip(["body", *header], [text, *cells(labels)], strict=True)))
        for text, labels in table
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(path: Path, table, cells, header: list[str]) -> None:
    values = [[text, *cells(labels)] for text, labels in table]
    columns = dict(zip(["body", *header], map(list, zip(*values, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)


WRITERS = {".csv": write_csv, ".tsv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}
LAYOUTS = {
    "delimited": ({"column": "topics", "separator": "##"}, lambda found: ["##".join(found)]),
    "json": ({"column": "topics", "json": True}, lambda found: [json.dumps(found)]),
    "list": ({"column": "topics"}, lambda found: [found]),
    "columns": ({"columns": NAMES}, lambda found: [int(name in found) for name in NAMES]),
    "answers": ({"columns": NAMES}, lambda found: ["Yes" if n in found else "no" for n in NAMES]),
    "crosses": ({"columns": NAMES}, lambda found: ["x" if n in found else "" for n in NAMES]),
    "truth values": ({"columns": NAMES}, lambda found: [name in found for name in NAMES]),
}
PAIRS = [
    (suffix, layout)
    for suffix in WRITERS
    for layout in LAYOUTS
    if not (layout == "list" and suffix in (".csv", ".tsv"))
]


@pytest.mark.parametrize(("suffix", "layout"), PAIRS)
@settings(max_examples=8, deadline=None)
@given(table=TABLES)
def test_what_is_written_in_any_layout_is_read_back(suffix, layout, table):
    # Lines with a tab each, joined by quotes, could be rows of their own.
    assume(
        suffix != ".tsv" or not any("\t" in text and re.search("[\r\n]", text) for text, _ in table)
    )
    labels, cells = LAYOUTS[layout]
    header = labels.get("columns") or ["topics"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        WRITERS[suffix](path, table, cells, header)
        description = describe(files=path.name, labels=labels, names=NAMES)
        reading = read_rows("tickets", description, folder=Path(folder))
    assert reading.problems == []
    expected = [(text, sorted(found, key=NAMES.index)) for text, found in table]
    assert rows(reading) == expected
    assert reading.names == NAMES
    assert reading.frame["id"].is_unique


def test_empty_cells_say_no_beside_crosses_alone(tmp_path):
    """A row with a cross in one column and a 1 in another is not a list that was ticked."""
    path = tmp_path / "t.csv"
    path.write_text("body,joy,anger\na,X,\nb,,\nc,x,x\n")
    described = describe(files="t.csv", labels={"columns": ["joy", "anger"]}, empty="none")
    reading = read_rows("tickets", described, folder=tmp_path)
    assert reading.problems == []
    assert rows(reading) == [("a", ["joy"]), ("b", []), ("c", ["joy", "anger"])]
    path.write_text("body,joy,anger\na,x,\nb,1,0\n")
    (problem,) = read_rows("tickets", described, folder=tmp_path).problems
    assert problem.reason == "column 'anger' is empty, where others of the row are not"


def test_class_labels_of_parquet_are_named_by_the_file(tmp_path):
    from datasets import ClassLabel, Dataset, Features, List, Value

    features = Features(
        {"body": Value("string"), "topics": List(ClassLabel(names=["z", "3", "a"]))}
    )
    table = {"body": ["x", "y", "w"], "topics": [[2, 0], [1], []]}
    Dataset.from_dict(table, features=features).to_parquet(tmp_path / "t.parquet")
    description = describe(files="t.parquet", labels={"column": "topics"}, empty="none")
    reading = read_rows("tickets", description, folder=tmp_path)
    assert reading.names == ["z", "3", "a"]
    assert rows(reading) == [("x", ["z", "a"]), ("y", ["3"]), ("w", [])]


def test_one_class_label_a_row(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"body": Value("string"), "topics": ClassLabel(names=["z", "a"])})
    Dataset.from_dict(
        {"body": ["x", "y", "w"], "topics": [1, 0, -1]}, features=features
    ).to_parquet(tmp_path / "t.parquet")
    keys = {"labels": {"column": "topics"}, "task": "single_label", "empty": "unlabelled"}
    reading = read_rows("tickets", describe(files="t.parquet", **keys), folder=tmp_path)
    assert rows(reading) == [("x", ["a"]), ("y", ["z"])]
    assert reading.dropped == {"unlabelled": 1}


def test_positions_count_in_names(tmp_path):
    labels = {"column": "topics", "separator": " ", "positions": True}
    reading = read(
        tmp_path, "body,topics\nx,2 0\ny,9\nz,two\n", labels=labels, names=["a", "b", "c"]
    )
    assert rows(reading) == [("x", ["a", "c"])]
    assert said(reading) == [
        "t.csv:3: label 9 is none of 3 places; numbers go from 0 to 2",
        "t.csv:4: label 'two' is no place; write its place",
    ]


def test_numbers_without_names_are_names(tmp_path):
    content = '{"body": "x", "topics": [3, 10]}\n{"body": "y", "topics": [10]}\n'
    reading = read(tmp_path, content, "t.jsonl", labels={"column": "topics"})
    assert reading.names == ["10", "3"]
    assert rows(reading) == [("x", ["10", "3"]), ("y", ["10"])]


# --- files, splits, ids, groups, times -------------------------------------------------------


def test_files_of_splits_are_read_in_order(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text(f"body,topics\ntext {name},{name}\n")
    files = {"test": "c.csv", "train": "a.csv", "validation": "b.csv"}
    reading = read_rows("tickets", describe(files=files), folder=tmp_path)
    assert reading.frame["official_split"].tolist() == ["train", "dev", "test"]
    assert reading.frame["place"].tolist() == ["a.csv:2", "b.csv:2", "c.csv:2"]
    assert reading.frame["id"].tolist() == ["a.csv#1", "b.csv#1", "c.csv#1"]


def test_texts_are_joined_by_a_blank_line_and_lines_are_those_of_the_file(tmp_path):
    content = 'subject,body,topics\nHi,"a\nb",joy\n,c,anger\n\nRe,d,joy\n'
    reading = read(tmp_path, content, text=["subject", "body"])
    assert reading.frame["text"].tolist() == ["Hi\n\na\nb", "c", "Re\n\nd"]
    assert reading.frame["place"].tolist() == ["t.csv:2", "t.csv:4", "t.csv:6"]


@pytest.mark.parametrize(
    "content",
    [
        "body;topics\r\nx;joy\r\ny;anger\r\n",
        "sep=;\nbody;topics\nx;joy\ny;anger\n",
        "\ufeffbody,topics\nx,joy\ny,anger",
        "body|topics\nx|joy\ny|anger\n",
    ],
    ids=["semicolons", "Excel's own line", "byte order mark", "bars"],
)
def test_spreadsheets_separate_in_several_ways(tmp_path, content):
    assert rows(read(tmp_path, content)) == [("x", ["joy"]), ("y", ["anger"])]


@pytest.mark.parametrize(
    "header",
    ['"body\n(as it came)";topics', '"body, as it came, in full";topics', "\n\nthe body;topics"],
)
def test_the_separator_is_found_whatever_the_names_hold(tmp_path, header):
    (tmp_path / "t.csv").write_text(f"{header}\nlate, again;anger\n")
    table = read_table(tmp_path / "t.csv", "t.csv", [])
    assert (len(table.columns), table.rows, table.problems) == (2, 1, ())


def test_columns_without_names_are_spoken_of(tmp_path):
    (problem,) = said(read(tmp_path / "c", "body;topics;;\nlate;anger;;\n"))
    assert problem.startswith("t.csv:1: 2 columns have no name; name or delete them")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('"a" he said\tjoy\nb\tanger\n', ['"a" he said', "b"]),
        ('"a\tjoy\nb"\tanger\n', ['"a', 'b"']),
        ('"never closed\tjoy\nb\tanger\n', ['"never closed', "b"]),
        ('"a ""quoted"" text"\tjoy\n"b\tc"\tanger\n', ['a "quoted" text', "b\tc"]),
        ('"a\nb"\tjoy\nc\tanger\n', ["a\nb", "c"]),
    ],
)
def test_quotes_of_tab_separated_files_may_mean_nothing(tmp_path, content, expected):
    reading = read(tmp_path, f"body\ttopics\n{content}", "t.tsv")
    assert (reading.frame["text"].tolist(), reading.problems) == (expected, [])


def test_groups_and_times_are_text_of_one_width(tmp_path):
    content = (
        "body,topics,conv,at\na,joy,7,2026-01-02\nb,joy,,2026-01-01 23:30\n"
        "c,anger,7,2026-01-02T00:30:00+01:00\nd,joy,7,last week\ne,joy,7,\n"
    )
    reading = read(tmp_path, content, group="conv", time="at")
    assert reading.frame["group"].tolist() == ["7", "", "7"]
    assert reading.frame["time"].tolist() == [
        "2026-01-02T00:00:00.000000+00:00",
        "2026-01-01T23:30:00.000000+00:00",
        "2026-01-01T23:30:00.000000+00:00",
    ]
    assert [problem.place for problem in reading.problems] == ["t.csv:5", "t.csv:6"]
    assert "2026-11-28T14:05:00+01:00" in reading.problems[0].remedy


def test_times_of_parquet_are_read(tmp_path):
    frame = pd.DataFrame(
        {"body": ["a", "b"], "topics": ["joy", "anger"], "at": [datetime(2026, 1, 2, 3), None]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    reading = read_rows("tickets", describe(files="t.parquet", time="at"), folder=tmp_path)
    assert reading.frame["time"].tolist() == ["2026-01-02T03:00:00.000000+00:00"]
    assert said(reading)[0].startswith("t.parquet, row 2: it has no time; write it as")


# --- rows without labels ---------------------------------------------------------------------

WITHOUT = "body,topics\na,joy\nb,\nc,anger\n"


@pytest.mark.parametrize(
    ("empty", "expected", "dropped"),
    [
        ("none", [("a", ["joy"]), ("b", []), ("c", ["anger"])], {}),
        ("calm", [("a", ["joy"]), ("b", ["calm"]), ("c", ["anger"])], {}),
        ("unlabelled", [("a", ["joy"]), ("c", ["anger"])], {"unlabelled": 1}),
    ],
)
def test_a_row_without_labels_means_what_is_said(tmp_path, empty, expected, dropped):
    reading = read(tmp_path, WITHOUT, empty=empty)
    assert (rows(reading), reading.dropped, reading.problems) == (expected, dropped, [])


def test_unsaid_it_is_an_error(tmp_path):
    reading = read(tmp_path, WITHOUT)
    assert said(reading)[0].startswith("t.csv:3: it has no label; label the row, or say in")
    with pytest.raises(EmotionSlmError, match=r"t\.csv:3: it has no label"):
        reading.checked()


def test_what_a_row_without_a_label_may_mean_depends_on_the_task(tmp_path):
    one = {"labels": {"column": "topics"}}
    assert "`empty: none`" in said(read(tmp_path / "many", WITHOUT, **one))[0]
    (single,) = said(read(tmp_path / "one", WITHOUT, task="single_label", **one))
    assert "`empty: LABEL`" in single and "`empty: none`" not in single


# --- what is wrong ---------------------------------------------------------------------------

WRONG = {
    "no such column": (
        "bdy,topics\na,joy\n", {},
        "t.csv: it has no column 'body'; did you mean 'bdy'?; its columns are bdy, topics; "
        "correct `text` in corpora/tickets.yaml, or the file",
    ),
    "nothing like it": (
        "x1,topics\na,joy\n", {},
        "t.csv: it has no column 'body'; known: x1, topics; "
        "correct `text` in corpora/tickets.yaml, or the file",
    ),
    "a misspelt label": (
        "body,topics\na,joy\nb,\"joy,angre\"\n", {"names": ["anger", "joy"]},
        "t.csv:3: unknown label 'angre'; did you mean 'anger'?; "
        "correct the row, or add it to `names` in corpora/tickets.yaml",
    ),
    "an uneven row": (
        "body,topics\na,joy\nb,joy,anger\n", {},
        "t.csv:3: 3 cells where there are 2 columns; "
        "put a cell that holds ',' or a line break in quotes",
    ),
    "a quote left open": (
        'body,topics\na,joy\n"b,joy\n', {},
        "t.csv:3: its quotes cannot be read (unexpected end of data); put a cell that holds a "
        'quote in quotes, and write the quote twice: "a ""b"""',
    ),
    "Windows' encoding": (
        "body,topics\na,joy\ngrün,anger\n".encode("cp1252"), {},
        "t.csv:3: it is not UTF-8, perhaps Windows' cp1252; save it as UTF-8 (in a spreadsheet: "
        "export as CSV UTF-8), or convert it: `iconv -f CP1252 -t UTF-8`",
    ),
    "UTF-16": (
        "body,topics\na,joy\n".encode("utf-16"), {},
        "t.csv: it is not UTF-8, perhaps UTF-16; save it as UTF-8 (in a spreadsheet: export as "
        "CSV UTF-8), or convert it: `iconv -f UTF-16 -t UTF-8`",
    ),
    "nothing": ("", {}, "t.csv: it is empty; the first row names the columns"),
    "a header alone": (
        "body,topics\n", {}, "t.csv: it holds no rows; a header alone is no corpus"
    ),
    "a column twice": (
        "body,topics,body\na,joy,b\n", {},
        "t.csv:1: two columns are called 'body'; rename or delete one",
    ),
    "an id twice": (
        "body,topics,no\na,joy,1\nb,anger,1\n", {"id": "no"},
        "t.csv:3: id '1' is already at t.csv:2; ids are unique; correct one, or leave out `id`",
    ),
    "no id": (
        "body,topics,no\na,joy,\nb,anger,1\n", {"id": "no"},
        "t.csv:2: it has no id; fill column 'no', or leave out `id`",
    ),
    "several labels where one belongs": (
        'body,topics\na,joy\nb,anger\nc,"[""joy"", ""anger""]"\n',
        {"task": "single_label", "labels": {"column": "topics", "json": True}},
        "t.csv:2: labels 'joy' are no list in JSON; write such as [\"anger\", \"joy\"]",
    ),
    "neither 0 nor 1": (
        "body,joy,anger\na,1,0\nb,,1\nc,maybe,1\n", {"labels": {"columns": ["joy", "anger"]}},
        "t.csv:3: column 'joy' is empty, where others of the row are not; "
        "write 0 or 1 (or no, yes)",
    ),
    "one label alone": (
        "body,topics\na,joy\nb,joy\n", {},
        "t.csv: it has the one label 'joy'; a corpus has 2 labels or more",
    ),
    "a label with markup": (
        "body,topics\na,<b>joy\nb,joy\n", {},
        "t.csv: label '<b>joy' is longer than 200 characters or holds one of |`<>[]; rename it",
    ),
    "a label called as `empty` is": (
        "body,topics\na,none\nb,joy\n", {"empty": "none"},
        "t.csv: 'none' is a label, and what `empty` says; rename the label",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_place_and_remedy(tmp_path, what):
    content, keys, expected = WRONG[what]
    reading = read(tmp_path, content, **keys)
    assert said(reading)[0] == expected
    assert reading.errors


JSON_WRONG = {
    "no JSON": ('{"body": "a", "topics": ["joy"]}\n{oops\n', "t.jsonl:2: no valid JSON"),
    "half a surrogate pair": ('{"body": "\\ud800"}\n', "t.jsonl:1: no valid JSON"),
    "a list": ("[1]\n", "t.jsonl:1: a list, no JSON object"),
    "a text among lists": (
        '{"body": "a", "topics": ["joy"]}\n\n{"body": "b", "topics": ["x"]}\n'
        '{"body": "c", "topics": "joy"}\n',
        "t.jsonl:4: labels are 'joy', in other rows a list",
    ),
    "a number for a text": (
        '{"body": "a", "topics": ["joy", "x"]}\n{"body": 5, "topics": ["joy"]}\n',
        "t.jsonl:2: column 'body' holds 5 (int), no text",
    ),
    "a truth value for a label": (
        '{"body": "a", "topics": ["joy", "x"]}\n{"body": "b", "topics": [true]}\n',
        "t.jsonl:2: label True is no name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", JSON_WRONG)
def test_json_lines_are_checked_line_by_line(tmp_path, what):
    content, expected = JSON_WRONG[what]
    reading = read(tmp_path, content, "t.jsonl", labels={"column": "topics"})
    assert said(reading)[0].startswith(expected)


def test_several_labels_in_a_single_label_corpus(tmp_path):
    content = '{"body": "a", "topics": ["joy"]}\n{"body": "b", "topics": ["joy", "anger"]}\n'
    keys = {"labels": {"column": "topics"}, "task": "single_label", "names": ["anger", "joy"]}
    reading = read(tmp_path, content, "t.jsonl", **keys)
    assert said(reading) == [
        "t.jsonl:2: 2 labels ('joy', 'anger'); single_label has one a row; correct the row, or say "
        "`task: multi_label`"
    ]


def test_what_may_pass_is_a_warning_and_counted(tmp_path):
    reading = read(tmp_path, 'body,topics\n ,joy\nb,"joy,joy"\nc,anger\n')
    assert said(reading) == [
        "t.csv:2: empty text; the row is left out",
        "t.csv:3: label 'joy' is there twice; it counts once",
    ]
    assert reading.dropped == {"empty text": 1}
    assert rows(reading.checked()) == [("b", ["joy"]), ("c", ["anger"])]


def test_a_damaged_parquet_file_is_told(tmp_path):
    reading = read(tmp_path, b"PAR1 and no more", "t.parquet", labels={"column": "topics"})
    assert said(reading)[0].startswith("t.parquet: no readable Parquet file")


def test_a_missing_file_is_told_with_its_description(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"t\.csv: no such file, which corpora/tickets\.yaml"):
        read_rows("tickets", describe(files="t.csv"), folder=tmp_path)


def test_errors_beyond_the_first_twenty_are_counted(tmp_path):
    reading = read(tmp_path, "body,topics\n" + "x,\n" * 25)
    with pytest.raises(EmotionSlmError) as caught:
        reading.checked()
    assert str(caught.value).splitlines()[-1] == "… and 5 more"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.lists(
            st.sampled_from(
                ['"', ",", "\t", "\n", "\r", " ", "a", "0", "\x00", "{", '":', "[", "]}"]
            )
        ).map(lambda parts: "".join(parts).encode()),
    ),
    headed=st.booleans(),
)
def test_no_content_is_a_traceback(suffix, content, headed):
    head = b"body\ttopics\n" if suffix == "tsv" else b"body,topics\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{suffix}"
        path.write_bytes(head * headed + content)
        labels = {"column": "topics"}
        reading = read_rows("tickets", describe(files=path.name, labels=labels), folder=path.parent)
    assert reading.errors or len(reading.names) >= 2
