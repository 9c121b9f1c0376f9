import pandas as pd

from benchmarks.comments import COLUMNS, comments
from emotion_slm.corpus.sample import ROWS


def test_the_sample_corpus_stands_in_where_there_is_no_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, frame = comments("train")
    assert name == "the sample corpus" and set(COLUMNS) <= set(frame.columns)
    assert len(frame) == ROWS


def test_a_split_is_read_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/split").mkdir(parents=True)
    rows = {"id": ["a"], "text": ["Thanks!"], "labels": [["gratitude"]]}
    pd.DataFrame(rows).to_parquet("data/split/test.parquet")
    name, frame = comments("test")
    assert name == "test of data/split" and frame["text"].tolist() == rows["text"]
    assert comments("train")[0] == "the sample corpus"
