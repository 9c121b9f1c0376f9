import io
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from support import tickets
from support.labels import ROOT

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document, load_yaml
from emotion_slm.corpus.description import read_description
from emotion_slm.corpus.reading import read_rows
from emotion_slm.workbench import corpus_new, corpus_texts
from emotion_slm.workbench.corpus_new import create
from emotion_slm.workbench.corpus_new_screen import screen
from emotion_slm.workbench.params_check import checked_settings


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A workspace with the project's params.yaml, and files of tickets in incoming/."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "corpora").mkdir()
    shutil.copy(ROOT / "corpora/goemotions.yaml", tmp_path / "corpora")
    (tmp_path / "incoming").mkdir()
    for name, write in tickets.WRITERS.items():
        write(tmp_path / "incoming" / name, tickets.rows(120))
    return tmp_path


def shown(new) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(screen(new))
    return re.sub(" +\n", "\n", console.file.getvalue())


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", tickets.WRITERS)
def test_every_layout_is_read_as_the_same_rows(root, name):
    create([Path("incoming") / name], "mine")
    reading = read_rows("mine", read_description("mine"))
    assert (reading.names, reading.problems) == (tickets.LABELS, [])
    assert [set(row) for row in reading.frame["labels"]] == [
        set(ticket["emotions"]) for ticket in tickets.rows(120)
    ]
    assert reading.frame["text"].tolist() == [ticket["body"] for ticket in tickets.rows(120)]


def test_the_file_is_copied_and_params_keep_what_they_say(root):
    before = (root / "params.yaml").read_text()
    new = create([root / "incoming/delimited.csv"])
    assert (new.name, new.rows) == ("delimited", 120)
    assert "dvc exp run -S profile=delimited\n" in shown(new)
    copied, source = root / "corpora/delimited/delimited.csv", root / "incoming/delimited.csv"
    assert copied.read_bytes() == source.read_bytes()
    after = (root / "params.yaml").read_text()
    assert after.startswith(before.rstrip())
    document = Document.read().with_profile("delimited")
    assert checked_settings(document)["fetch"]["corpus"] == "delimited"


def test_a_profile_goes_before_what_follows_the_profiles(root):
    text = (root / "params.yaml").read_text()
    seed = "seed: 3407             # feeds a named child seed per stage\n"
    (root / "params.yaml").write_text(text.replace(seed, "") + f"\n# last\n{seed}")
    create([root / "incoming/delimited.csv"])
    assert (root / "params.yaml").read_text().endswith(seed)
    assert "delimited" in Document.read().profiles


def test_files_of_train_validation_and_test(root):
    made = tickets.rows(300)
    folder = root / "incoming/My Tickets"
    folder.mkdir()
    for place, name in enumerate(("train", "dev", "test")):
        tickets.write_csv(folder / f"{name}.csv", made[place * 100 : place * 100 + 100])
    new = create([folder])
    assert new.name == "my-tickets"
    assert "split.protocol=official" in shown(new)
    files = load_yaml(root / "corpora/my-tickets.yaml")["files"]
    assert files == {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}


@pytest.mark.parametrize("label", ["no: yes", "'", '"', "#1", "null", "ärger", "a, b", "- x", "{}"])
def test_labels_of_any_spelling_are_written_as_they_are(root, label):
    path = root / "incoming/odd.jsonl"
    made = [{**ticket, "emotions": [label, "other"][: 1 + place % 2]}
            for place, ticket in enumerate(tickets.rows(40))]  # fmt: skip
    tickets.write_lists(path, made)
    create([path])
    assert label in read_description("odd").definitions


def test_hundreds_of_labels(root):
    path = root / "incoming/many.jsonl"
    made = [{**ticket, "emotions": [f"label {place % 200}", "all"]}
            for place, ticket in enumerate(tickets.rows(400))]  # fmt: skip
    tickets.write_lists(path, made)
    assert len(create([path]).guess.counts) == 201
    assert len(read_description("many").definitions) == corpus_texts.DEFINED


def test_texts_of_another_language_are_noticed(root):
    path = root / "incoming/de.csv"
    german = "ich warte auf die Rückzahlung und sie ist nicht auf dem Konto"
    rows = "".join(f"{german} {n},{'ab'[n % 2]}\n" for n in range(30))
    path.write_text(f"text,label\n{rows}", encoding="utf-8")
    new = create([path])
    assert new.language.code == "de" and "look like German" in shown(new)
    assert load_yaml(root / "corpora/de.yaml")["language"] == "de"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("a.xlsx", b"PK", "export it as CSV UTF-8"),
        ("gone.csv", None, "no such file"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"text,label\n", "holds no rows"),
        ("a.csv", "text,label\nÄrger,b\n".encode("cp1252"), "UTF-8"),
        ("a.csv", b"n,m\n1,2\n3,4\n", "holds words"),
        ("a.jsonl", b'{"text": ', "no valid JSON"),
        ("a.parquet", b"PAR1", "Parquet"),
        ("goemotions.csv", b"text,label\na b,c\n", "already there"),
        ("minilm.csv", b"text,label\na b,c\n", "profile minilm"),
        ("a.jsonl", b"{}\n{}\n", "no column to read; the columns of a.jsonl: none"),
        (
            "a.jsonl",
            b'{"text": "a b", "x": true}\n' * 4 + b'{"text": "c d", "x": false}\n' * 4,
            "column 'x' holds True, which names no label",
        ),
        (
            "a.jsonl",
            b'{"text": "a b", "x": {"a": 1}}\n{"text": "c d", "x": {"b": 1}}\n' * 4,
            "column 'x' holds {'a': 1}, which names no label",
        ),
        (
            "a.csv",
            b"text,x\n" + b"a b,\"['a', 'b']\"\nc d,['a']\ne f,['b']\ng h,[]\n" * 4,
            "lists as Python writes them",
        ),
        ("a.csv", b"text,label\na b,<c>\na d,<c>\nb e,d\nc f,d\n", "label '<c>' in label"),
        (
            "a.csv",
            b"text,label\na b,none\na d,unlabelled\nb e,none\nc f,unlabelled\ng h,\n",
            "'unlabelled' is a label in label",
        ),
    ],
)
def test_what_cannot_be_taken_is_named_and_nothing_is_written(root, file, content, words):
    if content is not None:
        (root / "incoming" / file).write_bytes(content)
    before = everything(root)
    with pytest.raises(EmotionSlmError, match=words):
        create([root / "incoming" / file])
    assert everything(root) == before


@pytest.mark.parametrize("name", ["../x", "A", "a b", "-a", ""])
def test_a_name_that_is_no_name_is_refused(root, name):
    with pytest.raises(EmotionSlmError, match=r"no name|already there"):
        create([root / "incoming/delimited.csv"], name or "../")


def test_files_that_are_no_three_parts_are_refused(root):
    sources = [root / "incoming/delimited.csv", root / "incoming/one_hot.csv"]
    with pytest.raises(EmotionSlmError, match="train, validation and test"):
        create(sources)


def test_what_was_written_is_taken_away_when_something_fails(root, monkeypatch):
    before = everything(root)

    def fail(path, content):
        raise EmotionSlmError(f"{path}: no space")

    monkeypatch.setattr(corpus_new, "write_bytes", fail)
    with pytest.raises(EmotionSlmError, match="no space"):
        create([root / "incoming/delimited.csv"])
    assert everything(root) == before
    assert not (root / "corpora/delimited").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"labels": ["label"]}, "labels in label: 'x'; a corpus has 2 or more"),
        ({"labels": ["topic", "mood"]}, "column 'topic' holds 'toll'"),
        ({"labels": ["one", "two"], "separator": ";"}, "--separator"),
        ({"text": ["text"], "labels": ["text"]}, "cannot be the text and hold the labels"),
    ],
)
def test_what_cannot_be_as_said_is_named_and_nothing_is_written(root, said, words):
    rows = "".join(f"text {n},x,{'tax' if n % 2 else 'toll'},glad,{n % 2},1\n" for n in range(9))
    path = root / "incoming/a.csv"
    path.write_text(f"text,label,topic,mood,one,two\n{rows}")
    before = everything(root)
    with pytest.raises(EmotionSlmError, match=words):
        create([path], **said)
    assert everything(root) == before


def test_marks_on_letters_are_left_out_of_a_name(root):
    shutil.copy(root / "incoming/delimited.csv", root / "incoming/Überblick é.csv")
    assert create([root / "incoming/Überblick é.csv"]).name == "uberblick-e"


@pytest.mark.parametrize("stem", ["2024", "2026-11-28", "null"])
def test_a_name_that_yaml_takes_for_no_text(root, stem):
    path = root / f"incoming/{stem}.csv"
    shutil.copy(root / "incoming/delimited.csv", path)
    assert create([path]).name == f"corpus-{stem}"
    assert f"corpus-{stem}" in Document.read().profiles
    with pytest.raises(EmotionSlmError, match=f"--name corpus-{stem}"):
        create([path], stem)


def test_files_without_a_common_column_are_refused(root):
    folder = root / "incoming/three"
    folder.mkdir()
    for name in ("train", "validation", "test"):
        (folder / f"{name}.csv").write_text(f"{name} text,{name} label\na b,c\nd e,f\n")
    with pytest.raises(EmotionSlmError, match=r"test\.csv: test text, test label"):
        create([folder])


def classes(path: Path) -> list[str]:
    from datasets import ClassLabel, Dataset, Features, Value

    names = ["toll", "tax", "fee"]
    made = {"text": [f"text {n}" for n in range(30)], "label": [n % 3 for n in range(30)]}
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    Dataset.from_dict(made, features=features).to_parquet(str(path))
    return sorted(names)


def fractions(path: Path) -> list[str]:
    numbers = [None if n == 7 else float(n % 3) for n in range(30)]
    pd.DataFrame({"text": [f"text {n}" for n in range(30)], "label": numbers}).to_parquet(path)
    return ["0", "1", "2"]


def lists(path: Path) -> list[str]:
    found = [[1.0, ""], ["tax", None], [" toll"]]
    made = [{"text": f"text {n}", "label": found[n % 3]} for n in range(30)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in made))
    return ["1", "tax", "toll"]


@pytest.mark.parametrize(
    ("file", "write"),
    [("a.parquet", classes), ("a.parquet", fractions), ("a.jsonl", lists)],
)
def test_names_are_those_by_which_reading_knows_the_labels(root, file, write):
    names = write(root / "incoming" / file)
    create([root / "incoming" / file])
    reading = read_rows("a", read_description("a"))
    assert (reading.names, reading.errors) == (names, [])


@pytest.mark.parametrize("odd", ["\x85", "\x92", "\u2028", "\ufeff", "👩\u200d🔧", "\U000e0020"])
def test_characters_that_yaml_does_not_take(root, odd):
    path = root / "incoming/odd.csv"
    rows = "".join(f"text {n},{'ab'[n % 2]}{odd}c\n" for n in range(20))
    path.write_text(f"the{odd}text,label\n{rows}", encoding="utf-8", newline="")
    create([path])
    described = read_description("odd")
    assert described.text == f"the{odd}text"
    assert described.names == [f"a{odd}c", f"b{odd}c"]


def test_columns_are_known_without_the_blanks_around_them_and_with_a_comma(root):
    path = root / "incoming/a.csv"
    rows = "".join(f"text {n},{'ab'[n % 2]},{n}\n" for n in range(20))
    path.write_text(f'"text, whole", label ,n\n{rows}')
    new = create([path], text=["text", " whole"], labels=["label"])
    assert (new.guess.text, new.guess.labels) == (["text, whole"], {"column": " label "})


def test_labels_with_blanks_between_them_are_spoken_of(root):
    cells = ("toll", "tax", "toll tax", "very late")
    rows = "".join(f"where is parcel {n},{cells[n % 4]}\n" for n in range(40))
    (root / "incoming/a.csv").write_text(f"text,label\n{rows}")
    assert "Label 'toll tax' looks like several labels" in shown(create([root / "incoming/a.csv"]))
    new = create([root / "incoming/a.csv"], "again", separator=" ")
    assert sorted(new.guess.counts) == ["late", "tax", "toll", "very"]


@pytest.mark.parametrize("words", [("yes", "No"), ("x", "")])
def test_columns_that_answer_yes_or_no_are_labels(root, words):
    rows = "".join(
        f"where is parcel {n},{words[n % 2]},{words[1 - n % 3 // 2]}\n" for n in range(40)
    )
    (root / "incoming/a.csv").write_text(f"text,anger,joy\n{rows}")
    new = create([root / "incoming/a.csv"])
    assert new.guess.labels == {"columns": ["anger", "joy"]}
    assert new.guess.counts == {"anger": 20, "joy": 13}


def test_a_column_that_answers_yes_or_no_is_spoken_of(root):
    rows = "".join(f"where is parcel {n},{('yes', 'No')[n % 2]}\n" for n in range(40))
    (root / "incoming/a.csv").write_text(f"text,angry\n{rows}")
    text = " ".join(shown(create([root / "incoming/a.csv"])).split())
    assert "Labels called No and yes answer a question" in text
    assert "--labels all of them, parted by commas" in text


def test_a_column_without_a_name_is_none_of_those_that_matter(root):
    rows = "".join(f"{n},text {n},{'ab'[n % 2]}\n" for n in range(20))
    (root / "incoming/a.csv").write_text(f",text,label\n{rows}")
    assert create([root / "incoming/a.csv"]).guess.text == ["text"]


@pytest.mark.parametrize(
    ("header", "said"), [("where is my parcel,toll", True), ("text,toll", False)]
)
def test_a_first_row_that_names_no_columns_is_spoken_of(root, header, said):
    rows = "".join(f"where is parcel {n},{('toll', 'tax')[n % 2]}\n" for n in range(20))
    (root / "incoming/a.csv").write_text(f"{header}\n{rows}")
    assert ("put a row of names above it" in shown(create([root / "incoming/a.csv"]))) == said
