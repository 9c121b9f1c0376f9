"""How the settings of profile smollm2 were chosen: arms train as they say; the page is theirs."""

import csv
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from smollm2_screen.screen import Arm, append, finished, read_arms, run, settings
from smollm2_screen.together import COLUMNS, mean_of
from smollm2_screen.together import row as row_of
from support.labels import CORPUS, GOEMOTIONS

from emotion_slm.common.files import read_csv, read_json, write_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.paths import RAW, SPLIT
from emotion_slm.corpus.labels import write_corpus
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.params import EvaluateParams

FOLDER = Path("experiments/smollm2")


@pytest.fixture
def params() -> dict:
    return YAML(typ="safe").load(FOLDER / "params.yaml")


@pytest.fixture
def document() -> Document:
    return Document.read().with_profile("smollm2")


@pytest.mark.parametrize("rank", [2, "none"])
def test_an_arm_is_trained_and_scored(
    rank, params, document, tiny_mistral, emotion_frame, tmp_path, monkeypatch
):
    write_corpus(tmp_path / RAW, CORPUS)
    write_parquet(tmp_path / SPLIT / "train.parquet", emotion_frame(40))
    write_parquet(tmp_path / SPLIT / "validation.parquet", emotion_frame(12, seed=1))
    monkeypatch.chdir(tmp_path)
    arm = Arm("tiny", rank, 1e-3, 8, "\nEmotion:")
    row = run(document, params, arm, tmp_path, tiny_mistral)
    assert row["arm"] == "tiny" and 0 < float(row["map"]) <= 1
    append(row)
    append(row | {"arm": "another"})
    assert finished() == ["tiny", "another"]


def test_the_profile_is_the_best_arm(params, document):
    with (FOLDER / "screen.csv").open(newline="") as stream:
        scores = {row["arm"]: float(row["map"]) for row in csv.DictReader(stream)}
    arms = {arm.name: arm for arm in read_arms(params)}
    assert scores.keys() == arms.keys()
    chosen = document.settings["adapt"]
    best = arms[max(scores, key=scores.get)]
    _, tried = settings(document, params, best, Path("smollm2"))
    assert chosen["lora"] == tried.lora
    assert chosen["training"]["learning_rate"] == tried.training.learning_rate


def decimals(score: float, places: int = 3) -> str:
    return f"{float(score):.{places}f}".removeprefix("0")


def test_the_page_has_what_both_models_score():
    page = (FOLDER / "RESULTS.md").read_text()
    test = read_json(FOLDER / "official.json")["test"]
    f1, low, high = (decimals(test[f"macro_f1{end}"]) for end in ("", "_low", "_high"))
    assert f"| macro-F1, test | {f1} [{low}, {high}] |" in page
    for name in ("map", "micro_f1"):
        words = {"map": "mAP", "micro_f1": "micro-F1"}[name]
        assert f"| {words}, test | {decimals(test[name])} |" in page
    for row in read_csv(FOLDER / "together.csv", COLUMNS):
        scores = [decimals(row["map"]), decimals(row["macro_f1"]), decimals(row["nll"], 4)]
        assert f"| {' | '.join([row['model'], *scores])} | {row['texts_per_second']} |" in page


def test_the_page_has_the_table():
    page = (FOLDER / "RESULTS.md").read_text()
    with (FOLDER / "screen.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            assert f"| {row['arm']} | {decimals(row['map'])} | {row['rows_per_second']} |" in page


def test_two_models_that_know_different_things_know_more_together(document):
    generator = np.random.default_rng(0)
    gold = (generator.random((400, len(GOEMOTIONS.names))) < 0.2).astype(np.int8)
    noise = generator.normal(size=(2, *gold.shape))
    models = [Scored(4.0 * gold - 3 + 3 * one, gold, np.arange(400), GOEMOTIONS) for one in noise]
    params = document.section("evaluate", EvaluateParams).thresholds
    rows = [row_of("one", one, params, 1.0) for one in (*models, mean_of(*models, params))]
    assert all(tuple(row) == COLUMNS for row in rows)
    alone, other, both = (float(row["map"]) for row in rows)
    assert both > max(alone, other) + 0.03
    assert float(rows[2]["nll"]) < min(float(row["nll"]) for row in rows[:2])
