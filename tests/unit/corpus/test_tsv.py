"""GoEmotions' file format: what is read, written back and refused."""

import csv
import io
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import CORPUS, LABELS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import RAW_FILES
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import NORMAL

REAL = Path(os.environ.get("GOEMOTIONS_MIRROR") or "../shared/goemotions")

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
rows = st.lists(
    st.tuples(texts, texts, st.lists(st.sampled_from(LABELS), min_size=1, unique=True)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[0],
)


def written(folder: Path, content: bytes, name: str = "train.tsv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(EmotionSlmError) as caught:
        tsv.parse(path, CORPUS)
    return str(caught.value).splitlines()


def test_parse_reads_names_and_keeps_white_space(tmp_path):
    frame = tsv.parse(written(tmp_path, b" hello \t27\ta1\nso sad\t3,25\ta2\n"), CORPUS)
    assert list(frame.columns) == ["id", "text", "labels"]
    assert frame["id"].tolist() == ["a1", "a2"]
    assert frame["text"].tolist() == [" hello ", "so sad"]
    assert frame["labels"].tolist() == [["neutral"], ["annoyance", "sadness"]]


def test_parse_honours_csv_quoting(tmp_path):
    content = b'"she said ""no""\tand left"\t0\ta1\nplain "quote" inside\t0\ta2\n'
    assert tsv.parse(written(tmp_path, content), CORPUS)["text"].tolist() == [
        'she said "no"\tand left',
        'plain "quote" inside',
    ]


def test_texts_that_look_like_missing_values_stay_texts(tmp_path):
    frame = tsv.parse(written(tmp_path, b"nan\t0\tNA\nNone\t1\tnull\n"), CORPUS)
    assert frame["text"].tolist() == ["nan", "None"]
    assert frame["id"].tolist() == ["NA", "null"]


@given(rows)
def test_round_trip(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["id", "text", "labels"])
    path = written(tmp_path_factory.mktemp("corpus"), tsv.render(frame, CORPUS))
    parsed = tsv.parse(path, CORPUS)
    assert parsed.to_numpy().tolist() == frame.to_numpy().tolist()
    assert tsv.render(parsed, CORPUS) == path.read_bytes()


@given(rows)
def test_render_equals_csv_writer_where_that_is_reversible(rows):
    rows = [(i.replace("\r", "x"), text.replace("\r", "x"), labels) for i, text, labels in rows]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    for identity, text, labels in rows:
        writer.writerow([text, ",".join(str(LABELS.index(label)) for label in labels), identity])
    frame = pd.DataFrame(rows, columns=["id", "text", "labels"])
    assert tsv.render(frame, CORPUS) == stream.getvalue().encode()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"text\t0", "expected 3 columns, found 2"),
        (b"text\t0\tb\textra", "expected 3 columns, found 4"),
        (b"", "expected 3 columns, found 0"),
        (b"text\t28\tb", "unknown label id '28'"),
        (b"text\t-1\tb", "unknown label id '-1'"),
        (b"text\t03\tb", "unknown label id '03'"),
        (b"text\tjoy\tb", "unknown label id 'joy'"),
        (b"text\t1, 2\tb", "unknown label id ' 2'"),
        (b"text\t\tb", "unknown label id ''"),
        (b"text\t1,\tb", "unknown label id ''"),
        (b"text\t5,5\tb", "duplicate label id in '5,5'"),
        (b"\t0\tb", "empty text"),
        (b"  \t0\tb", "empty text"),
        (b"text\t0\t", "empty id"),
        (b"text\t0\ta1", "id 'a1' is already at "),
        (b"caf\xe9\t0\tb", "not valid UTF-8"),
        (b"text\t0\t\xff", "not valid UTF-8"),
        (b'"open" and on\t0\tb', "bad CSV quoting"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_reason(tmp_path, row, reason):
    path = written(tmp_path, b"fine\t0\ta1\n" + row + b"\nfine too\t1\ta2\n")
    lines = refusal(path)
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}:2: {reason}")
    assert lines[1] == tsv.REMEDY.format(27, "")


def test_an_unclosed_quote_is_named_by_the_line_it_opens_on(tmp_path):
    path = written(tmp_path, b'fine\t0\ta1\n"never closed\t0\ta2\nfine\t0\ta3\n')
    assert refusal(path)[0].startswith(f"{path}:2: bad CSV quoting")


def test_lines_are_physical_lines(tmp_path):
    path = written(tmp_path, b'"two\nlines"\t0\ta1\nbad\t99\ta2\n')
    assert refusal(path)[0].startswith(f"{path}:3: unknown label id '99'")


def test_all_bad_rows_are_reported_at_once(tmp_path):
    path = written(tmp_path, b"x\t0\n\t0\ta\nfine\t0\tb\nx\t40\tc\nfine\t0\tb\n")
    lines = refusal(path)
    assert [line.split(": ")[0] for line in lines[:-1]] == [f"{path}:{n}" for n in (1, 2, 4, 5)]
    assert lines[3].endswith(f"is already at {path}:3")


def test_a_long_list_of_bad_rows_is_cut_and_counted(tmp_path):
    path = written(tmp_path, b"x\t0\n" * (tsv.SHOWN_PROBLEMS + 7))
    lines = refusal(path)
    assert len(lines) == tsv.SHOWN_PROBLEMS + 2
    assert lines[-2] == "… and 7 more bad rows"


def test_a_long_bad_field_is_shown_short_and_escaped(tmp_path):
    line = refusal(written(tmp_path, b"x\t\x1b[31m" + b"9" * 500 + b"\ta\n"))[0]
    assert len(line) < len(str(tmp_path)) + 120
    assert "\x1b" not in line


def test_an_empty_file_is_refused(tmp_path):
    path = written(tmp_path, b"")
    assert refusal(path)[0] == f"{path}: the file holds no rows"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"train\.tsv: no such file"):
        tsv.parse(tmp_path / "train.tsv", CORPUS)


def test_read_corpus_joins_the_files_in_order(tmp_path):
    for name in ("test", "dev", "train"):
        written(tmp_path, f"a {name} text\t0\t{name}1\n".encode(), f"{name}.tsv")
    frame = tsv.read_corpus(tmp_path, CORPUS)
    assert list(frame.columns) == ["id", "text", "labels", "official_split"]
    assert frame["official_split"].tolist() == ["train", "dev", "test"]
    assert frame["id"].tolist() == ["train1", "dev1", "test1"]
    assert frame.index.tolist() == [0, 1, 2]


def test_read_corpus_reports_bad_rows_of_all_files_and_ids_in_two(tmp_path):
    written(tmp_path, b"one\t0\ta\nbad\t0\n", "train.tsv")
    written(tmp_path, b"two\t0\tb\n\t0\tc\n", "dev.tsv")
    written(tmp_path, b"three\t0\td\nfour\t0\ta\n", "test.tsv")
    with pytest.raises(EmotionSlmError) as caught:
        tsv.read_corpus(tmp_path, CORPUS)
    assert str(caught.value).splitlines()[:-1] == [
        f"{tmp_path / 'train.tsv'}:2: expected 3 columns, found 2",
        f"{tmp_path / 'dev.tsv'}:2: empty text",
        f"{tmp_path / 'test.tsv'}:2: id 'a' is already at {tmp_path / 'train.tsv'}:1",
    ]


def test_write_together_leaves_nothing_behind_when_one_file_fails(tmp_path):
    with pytest.raises(TypeError):
        tsv.write_together(tmp_path / "raw", {"train.tsv": b"fine", "dev.tsv": None})
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.skipif(not (REAL / "train.tsv").exists(), reason="GoEmotions is not on this machine")
def test_the_real_corpus_round_trips():
    quoted = {}
    for name in RAW_FILES:
        content = (REAL / name).read_bytes()
        quoted[name] = sum(line.startswith(b'"') for line in content.splitlines())
        assert tsv.render(tsv.parse(REAL / name, CORPUS), CORPUS) == content
    assert quoted == {"train.tsv": 1097, "dev.tsv": 137, "test.tsv": 149}
    assert len(tsv.read_corpus(REAL, CORPUS)) == 54263


MORE = replace(CORPUS, columns=(*NORMAL, "group", "time"), unlabelled=True)


def test_groups_times_and_rows_without_labels_round_trip(tmp_path):
    content = b"a\t0\tx1\t7\t2026\nb\t\tx2\t\t2027\n"
    frame = tsv.parse(written(tmp_path, content), MORE)
    assert frame.columns.tolist() == ["id", "text", "labels", "group", "time"]
    assert frame["labels"].tolist() == [[LABELS[0]], []]
    assert frame["group"].tolist() == ["7", ""]
    assert tsv.render(frame, MORE) == content


def test_a_row_without_its_group_is_refused_and_the_remedy_names_it(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"found 3(.|\n)*then group, then time"):
        tsv.parse(written(tmp_path, b"a\t0\tx1\n"), MORE)


@pytest.mark.parametrize(
    ("dev", "test", "refused"),
    [(b"", b"", None), (b"", b"b\t0\tx2\n", "dev.tsv"), (b"b\t0\tx2\n", b"", "test.tsv")],
)
def test_dev_and_test_are_both_empty_or_neither(tmp_path, dev, test, refused):
    for name, content in zip(RAW_FILES, (b"a\t0\tx1\n", dev, test), strict=True):
        (tmp_path / name).write_bytes(content)
    if refused is None:
        assert tsv.read_corpus(tmp_path, CORPUS)["official_split"].tolist() == ["train"]
    else:
        with pytest.raises(EmotionSlmError, match=f"{refused}: the file holds no rows"):
            tsv.read_corpus(tmp_path, CORPUS)
