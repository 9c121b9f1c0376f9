import csv
from pathlib import Path

import numpy as np
import pytest

from emotion_slm.errors import EmotionSlmError
from emotion_slm.inference import scoring
from emotion_slm.inference.scoring import score_csv
from emotion_slm.labels import LABELS


@pytest.fixture
def write(tmp_path):
    """Function: bytes or text → path of tickets.csv."""

    def make(content: str | bytes) -> Path:
        path = tmp_path / "tickets.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "out" / "scored.csv"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def assert_nothing_written(output: Path) -> None:
    assert not output.exists()
    assert not output.parent.exists() or list(output.parent.iterdir()) == []


def test_columns_stay_and_results_follow(write, output, classifier):
    source = write('id,text,note\n007,"happy, cat",NA\n1e5,the sad dog,\n')
    assert score_csv(source, output, "text", classifier) == 2
    rows = read(output)
    assert list(rows[0]) == ["id", "text", "note", "labels", *LABELS]
    assert [row["id"] for row in rows] == ["007", "1e5"]
    assert [row["note"] for row in rows] == ["NA", ""]
    assert rows[0]["text"] == "happy, cat"
    expected = classifier.predict_proba(["happy, cat", "the sad dog"])
    found = np.array([[float(row[label]) for label in LABELS] for row in rows])
    np.testing.assert_allclose(found, expected, atol=6e-5)
    for row, labels in zip(rows, classifier.predict(["happy, cat", "the sad dog"]), strict=True):
        assert row["labels"].split() == list(labels)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7])
def test_chunks_join_without_a_seam(write, output, classifier, monkeypatch, count):
    monkeypatch.setattr(scoring, "CHUNK_ROWS", 3)
    texts = [f"happy {'cat ' * index}" for index in range(count)]
    source = write("text\n" + "".join(f"{text}\n" for text in texts))
    assert score_csv(source, output, "text", classifier) == count
    rows = read(output)
    assert [row["text"] for row in rows] == texts
    found = np.array([[float(row[label]) for label in LABELS] for row in rows])
    np.testing.assert_allclose(found, classifier.predict_proba(texts), atol=6e-5)


def test_texts_come_back_as_they_were(write, output, classifier):
    texts = ["two\nlines", 'a "quote"', " padded ", "😀", "null", "NA", "=1+1", ""]
    body = "".join('"' + text.replace('"', '""') + f'",{n}\n' for n, text in enumerate(texts))
    assert score_csv(write("text,n\n" + body), output, "text", classifier) == len(texts)
    assert [row["text"] for row in read(output)] == texts


def test_another_text_column(write, output, classifier):
    score_csv(write("body,text\nhappy,sad\n"), output, "body", classifier)
    found = [float(read(output)[0][label]) for label in LABELS]
    np.testing.assert_allclose(found, classifier.predict_proba(["happy"])[0], atol=6e-5)


def test_byte_order_mark_of_spreadsheets_is_no_part_of_the_name(write, output, classifier):
    assert score_csv(write(b"\xef\xbb\xbftext\nhappy\n"), output, "text", classifier) == 1


def test_output_may_replace_the_source(write, classifier):
    source = write("text\nhappy\n")
    assert score_csv(source, source, "text", classifier) == 1
    assert read(source)[0]["text"] == "happy"


def test_empty_texts_in_a_single_column_are_rows_too(write, output, classifier):
    assert score_csv(write('text\nhappy\n""\nsad\n'), output, "text", classifier) == 3
    assert [row["text"] for row in read(output)] == ["happy", "", "sad"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,txt\n1,happy\n", r"no column 'text'; did you mean 'txt'\?; name it with --text-col"),
        ("id,body\n1,happy\n", r"no column 'text'; known: id, body; name it with --text-column"),
        ("text,labels\nhappy,x\n", r"column 'labels' would be overwritten"),
        ("text,joy\nhappy,1\n", r"column 'joy' would be overwritten"),
        ("", r"not a readable UTF-8 CSV file"),
        ("text\n", r"no rows to score"),
        ("id,text\n", r"no rows to score"),
        (b"text\nhappy\n\xff\xfe\xfa\n", r"not a readable UTF-8 CSV file"),
        ("text\nhappy\n".encode("utf-16"), r"not a readable UTF-8 CSV file|no column"),
        ('id,text\n1,"happy\n', r"not a readable UTF-8 CSV file"),
        ("id,text\n1,happy\n2,sad,extra\n", r"3: not a readable UTF-8 CSV file: 3 fields"),
    ],
)
def test_bad_files_are_named_and_nothing_is_written(write, output, classifier, content, expected):
    with pytest.raises(EmotionSlmError, match=rf"tickets\.csv: ?{expected}"):
        score_csv(write(content), output, "text", classifier)
    assert_nothing_written(output)


def test_rows_longer_than_the_header_are_refused_not_shifted(write, output, classifier):
    # A reader that takes the surplus field for an index would score the wrong column.
    with pytest.raises(EmotionSlmError, match=r"tickets\.csv:2: "):
        score_csv(write("id,text\n1,happy,x\n2,sad,y\n"), output, "text", classifier)
    assert_nothing_written(output)


def test_rows_shorter_than_the_header_are_refused_or_scored_as_empty(write, output, classifier):
    source = write("id,text\n1,happy\n2\n")
    try:
        score_csv(source, output, "text", classifier)
    except EmotionSlmError:
        assert_nothing_written(output)
    else:
        assert [row["text"] for row in read(output)] == ["happy", ""]


def test_error_in_a_later_chunk_leaves_the_old_output(write, output, classifier, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK_ROWS", 2)
    output.parent.mkdir()
    output.write_text("old")
    source = write(b"text\nhappy\nsad\nangry\n\xff\xff\n")
    with pytest.raises(EmotionSlmError):
        score_csv(source, output, "text", classifier)
    assert output.read_text() == "old"
    assert [path.name for path in output.parent.iterdir()] == ["scored.csv"]


def test_missing_source_is_named(tmp_path, output, classifier):
    with pytest.raises(EmotionSlmError, match=r"absent\.csv: no such file or directory") as error:
        score_csv(tmp_path / "absent.csv", output, "text", classifier)
    assert "dvc" not in str(error.value)  # no stage makes a user's file
    assert_nothing_written(output)


def test_folder_for_a_file_is_named(tmp_path, output, classifier):
    with pytest.raises(EmotionSlmError, match=str(tmp_path)):
        score_csv(tmp_path, output, "text", classifier)
    assert_nothing_written(output)
