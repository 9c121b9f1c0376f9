"""A described corpus into data/raw: one form whatever came in, from its folder or from the hub."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file
from emotion_slm.common.paths import RAW_FILES
from emotion_slm.corpus import fetch as module
from emotion_slm.corpus.description import read_description, sha256
from emotion_slm.corpus.fetch import fetch
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.tsv import read_corpus

RAW = Path("data/raw")
CSV = 'body,topics,conv\n"a\tb",joy,1\nc,"anger,joy",\nd,,1\n,joy,2\n'
KEYS = {
    "files": "tickets.csv",
    "text": "body",
    "labels": {"column": "topics", "separator": ","},
    "empty": "none",
}


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def describe(**keys) -> None:
    Path("corpora/tickets").mkdir(parents=True, exist_ok=True)
    YAML(typ="safe").dump(KEYS | keys, Path("corpora/tickets.yaml"))


def test_a_file_beside_its_description_is_written_in_the_form_of_data_raw():
    describe(group="conv")
    Path("corpora/tickets/tickets.csv").write_text(CSV)
    said = fetch("tickets", RAW)
    assert said == "corpora/tickets/tickets.csv; left out: 1 rows (empty text)"
    assert [(RAW / name).read_text() for name in RAW_FILES] == [
        '"a\tb"\t1\ttickets.csv#1\t1\nc\t0,1\ttickets.csv#2\t\nd\t\ttickets.csv#3\t1\n',
        "",
        "",
    ]
    corpus = load_corpus(RAW)
    assert corpus.labels.names == ("anger", "joy") == corpus.labels.targets
    assert (corpus.title, corpus.task, corpus.unlabelled) == ("tickets", "multi_label", True)
    assert corpus.columns == ("text", "labels", "id", "group")
    assert corpus.files == {"tickets.csv": sha256_file(Path("corpora/tickets/tickets.csv"))}
    frame = read_corpus(RAW, corpus)
    assert frame["labels"].tolist() == [["joy"], ["anger", "joy"], []]


def test_the_task_travels():
    describe(task="single_label", labels={"column": "topics"}, empty="unlabelled")
    Path("corpora/tickets/tickets.csv").write_text("body,topics\na,joy\nb,anger\nc,\n")
    assert fetch("tickets", RAW).endswith("left out: 1 rows (unlabelled)")
    assert json.loads((RAW / "corpus.json").read_text())["task"] == "single_label"
    assert load_corpus(RAW).task == "single_label"


def test_nothing_is_written_of_a_corpus_with_a_bad_row():
    describe(empty="unlabelled", names=["anger", "joy"])
    Path("corpora/tickets/tickets.csv").write_text("body,topics\na,joy\nb,fury\n")
    with pytest.raises(EmotionSlmError, match=r"tickets\.csv:3: unknown label 'fury'"):
        fetch("tickets", RAW)
    assert not RAW.exists()


def test_labels_that_the_description_speaks_of_are_those_of_the_data():
    describe(thin="jxy")
    Path("corpora/tickets/tickets.csv").write_text(CSV)
    with pytest.raises(
        EmotionSlmError,
        match=r"corpora/tickets\.yaml: thin: unknown label 'jxy'; did you mean 'joy'",
    ):
        fetch("tickets", RAW)


def test_a_file_that_is_not_the_pinned_one_is_refused():
    describe(sha256={"tickets.csv": "0" * 64})
    Path("corpora/tickets/tickets.csv").write_text(CSV)
    with pytest.raises(EmotionSlmError, match=r"tickets\.csv from corpora/tickets: truncated or"):
        fetch("tickets", RAW)


def test_stage_params_hashes_the_files_and_names_a_missing_one():
    describe()
    description = read_description("tickets")
    with pytest.raises(EmotionSlmError, match=r"tickets\.csv: no such file.*dvc pull corpora/tic"):
        sha256("tickets", description)
    path = Path("corpora/tickets/tickets.csv")
    path.write_text(CSV)
    first = sha256("tickets", description)
    path.write_text(CSV + "e,joy,1\n")
    changed = sha256("tickets", description)
    assert set(first) == {"description", "tickets.csv"}
    assert first["description"] == changed["description"]
    assert first["tickets.csv"] != changed["tickets.csv"]


def parquet(folder: Path, *rows) -> bytes:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"tweet": Value("string"), "feeling": ClassLabel(names=["sad", "glad"])})
    texts, numbers = zip(*rows, strict=True)
    path = folder / "part.parquet"
    Dataset.from_dict({"tweet": texts, "feeling": numbers}, features=features).to_parquet(path)
    return path.read_bytes()


def test_any_data_set_of_the_hub_is_read_at_its_revision(tmp_path, monkeypatch):
    keys = {"hub": "org/tweets", "revision": "a" * 40, "text": "tweet", "task": "single_label"}
    describe(**keys, files=None, labels={"column": "feeling"}, empty=None)
    hub = f"https://huggingface.co/datasets/org/tweets/resolve/{'a' * 40}/data/"
    pages = {
        f"{hub}{split}-00000-of-00001.parquet": parquet(tmp_path, (f"{split} one", 1), (split, 0))
        for split in ("train", "validation", "test")
    }
    monkeypatch.setattr(module, "download", pages.__getitem__)
    assert fetch("tickets", RAW) == "Hugging Face"
    corpus = load_corpus(RAW)
    assert corpus.labels.names == ("sad", "glad")
    assert corpus.hub == {"hub": "org/tweets", "revision": "a" * 40}
    assert len(set(corpus.files.values())) == 3
    frame = read_corpus(RAW, corpus)
    assert frame["official_split"].tolist() == ["train", "train", "dev", "dev", "test", "test"]
    assert frame["labels"].tolist() == [["glad"], ["sad"]] * 3


def test_files_of_the_hub_may_be_named_and_lie_in_folders(tmp_path, monkeypatch):
    keys = {"hub": "org/tweets", "revision": "main", "files": "raw/all.csv"}
    describe(**keys)
    monkeypatch.setattr(module, "download", lambda url: CSV.encode())
    assert fetch("tickets", RAW).startswith("Hugging Face")
    assert len(read_corpus(RAW, load_corpus(RAW))) == 3


WRONG = {
    "no revision": ({"hub": "org/tweets"}, "hub: give the `revision` too"),
    "no file": ({"files": None}, "files: name the file"),
    "no train": ({"files": {"test": "a.csv"}}, "files: there is none for train"),
    "a file elsewhere": ({"files": "../secret.csv"}, "leads out of the corpus's folder"),
    "an unknown format": ({"files": "t.xlsx"}, "'t.xlsx' has none of the suffixes .csv, .tsv"),
    "one file twice": ({"files": {"train": "a.csv", "test": "a.csv"}}, "one is there twice"),
    "two forms of labels": (
        {"labels": {"column": "a", "separator": ",", "json": True}}, "labels: a cell holds labels",
    ),
    "single and separated": ({"task": "single_label", "empty": None}, "and no separator"),
    "single and none": (
        {"task": "single_label", "labels": {"column": "topics"}}, "empty: single_label has a label",
    ),
    "a task nobody knows": ({"task": "ranking"}, "task: Input should be 'multi_label' or"),
    "positions without names": (
        {"labels": {"column": "a", "positions": True}}, "labels.positions: give the `names`",
    ),
    "other names than columns": (
        {"labels": {"columns": ["a", "b"]}, "names": ["a", "c"]}, "leave `names` out",
    ),
    "an unknown label for empty": (
        {"empty": "noen", "names": ["none", "joy"]}, "empty: unknown label 'noen'; did you mean",
    ),
    "a label called none": ({"names": ["none", "joy"]}, "empty: 'none' is a label too"),
    "a misspelt key": ({"lables": {}}, "lables: unknown key; did you mean 'labels'?"),
    "a misspelt key of labels": (
        {"labels": {"column": "a", "seperator": ","}}, "did you mean 'separator'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_description_that_cannot_be_meant_is_refused(what):
    keys, expected = WRONG[what]
    describe(**keys)
    with pytest.raises(EmotionSlmError) as caught:
        read_description("tickets")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("corpora/tickets.yaml: ")


def test_frames_of_pandas_are_read_as_spreadsheets_are():
    """Parquet as pandas writes it: an index column, missing values as NaN."""
    describe(files="tickets.parquet", labels={"columns": ["joy", "anger"]})
    pd.DataFrame(
        {"body": ["a", "b", "c"], "joy": [1.0, 0.0, None], "anger": [0, 1, None]}, index=[5, 6, 7]
    ).to_parquet("corpora/tickets/tickets.parquet")
    fetch("tickets", RAW)
    assert (RAW / "train.tsv").read_text().splitlines()[-1] == "c\t\ttickets.parquet#3"
