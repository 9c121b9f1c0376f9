"""Who teaches what: no row that a teacher read is taught or judges; the page is the table's."""

from pathlib import Path

import numpy as np
import pytest
import smollm2_screen.distilled as distilled
from ruamel.yaml import YAML
from smollm2_screen.distilled import Reader, add, finished, guard, parts, student, targets
from support.labels import CORPUS, GOEMOTIONS

from emotion_slm.common.files import read_csv, write_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.paths import RAW, SPLIT
from emotion_slm.corpus.labels import write_corpus
from emotion_slm.evaluation.params import EvaluateParams

FOLDER = Path("experiments/smollm2")


@pytest.fixture
def params() -> dict:
    params = YAML(typ="safe").load(FOLDER / "params.yaml")["distillation"]
    return params | {"selection_rows": 8}


@pytest.fixture
def document() -> Document:
    return Document.read()


@pytest.fixture
def workspace(document, params, emotion_frame, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(distilled, "FOLDER", tmp_path / "scratch")
    monkeypatch.setattr(distilled, "RESULTS", tmp_path / "distilled.csv")
    write_corpus(tmp_path / RAW, CORPUS)
    for split, rows, seed in (("train", 300, 0), ("validation", 12, 1)):
        frame = emotion_frame(rows, seed=seed)
        groups = frame["text"].factorize()[0]
        write_parquet(tmp_path / SPLIT / f"{split}.parquet", frame.assign(duplicate_group=groups))
    return tmp_path


def test_thirds_share_no_text(workspace, params):
    data = parts(workspace, GOEMOTIONS, params)
    texts = [set(frame["text"]) for frame in (data.read, data.taught, data.judged)]
    assert all(texts) and sum(map(len, texts)) == len(set.union(*texts))
    assert sum(len(frame) for frame in (data.read, data.taught, data.judged)) == 300
    assert len(data.selection) == 8


def test_other_settings_are_not_mixed_with_what_is_there(workspace, params):
    data = parts(workspace, GOEMOTIONS, params)
    guard(params, data)
    guard(params, data)
    with pytest.raises(SystemExit, match="is of other settings or rows: delete it"):
        guard(params | {"weight": 0.5}, data)


def test_targets_are_a_mixture():
    gold, said = np.array([[1, 0]], np.int8), [np.array([[0.5, 0.1]]), np.array([[0.7, 0.3]])]
    assert targets(gold, [], 0.7) is gold
    np.testing.assert_allclose(targets(gold, said, 0.7), [[0.7 * 0.6 + 0.3, 0.7 * 0.2]], rtol=1e-6)


def test_a_student_learns_from_a_teacher_of_another_architecture(
    workspace, document, params, tiny_bert, tiny_mistral
):
    data = parts(workspace, GOEMOTIONS, params)
    local = {"revision": None, "sha256": None, "max_length": 32}
    minilm = Reader.of("minilm", document, GOEMOTIONS, {}, id=str(tiny_bert), **local)
    other = Reader.of("smollm2", document, GOEMOTIONS, {}, id=str(tiny_mistral), **local)
    said = other.says(data, 1)
    assert said.shape == (len(data.taught), len(GOEMOTIONS)) and 0 < said.min() < said.max() < 1
    teacher = minilm.logits(minilm.teacher(data, 1), data.judged)
    scored = student(data, minilm, [said], "other", 1, params)
    assert scored.logits.shape == (len(data.judged), len(GOEMOTIONS))
    assert not np.allclose(scored.logits, teacher)
    add("other", 1, scored, document.section("evaluate", EvaluateParams).thresholds)
    assert finished(distilled.RESULTS) == {("other", "1")}


def test_the_page_has_the_students():
    page = (FOLDER / "RESULTS.md").read_text()
    for row in read_csv(FOLDER / "distilled.csv", distilled.COLUMNS):
        values = (row[name].removeprefix("0") for name in ("map", "macro_f1", "nll"))
        assert f"| {row['student']} | {row['seed']} | {' | '.join(values)} |" in page
