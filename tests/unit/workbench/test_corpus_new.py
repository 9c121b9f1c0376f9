import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from support import tickets
from support.labels import ROOT

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document, load_yaml
from emotion_slm.corpus.description import read_description
from emotion_slm.corpus.reading import read_rows
from emotion_slm.workbench import corpus_new
from emotion_slm.workbench.corpus_new import create, screen
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
    assert len(read_description("many").definitions) == corpus_new.DEFINED


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
