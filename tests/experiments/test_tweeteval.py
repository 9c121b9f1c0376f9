import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from support.described import run_stages, write_workspace
from support.single import frames
from support.tiny import read_params, write_params
from tweeteval import looks, runs
from tweeteval.runs import Arm, append, done, read_arms, read_rows, run, settings, waiting

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from stages import fetch, split

FOLDER = Path("experiments/tweeteval")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """Rows of one label, split; its profile is called `sample`."""
    root = tmp_path_factory.mktemp("tweets") / "workspace"
    (frame,) = frames(200)
    rows = [
        {"body": text, "topic": labels[0]}
        for text, labels in zip(frame["text"], frame["labels"], strict=True)
    ]
    described = {"labels": {"column": "topic"}, "task": "single_label"}
    write_workspace(root, encoder_params(tiny_bert), rows, **described)
    params = read_params(root)
    for stage in ("adapt", "finetune"):
        params["profiles"]["sample"][stage]["loss"] = {"name": "cross_entropy"}
    write_params(root, params)
    run_stages(root, fetch, split)
    return root


def test_arms_are_profiles_of_one_label_a_row():
    _, arms = read_arms(FOLDER / "params.yaml")
    document = Document.read()
    for arm in arms:
        encoder, params = settings(arm, document)
        assert params.loss.name == "cross_entropy"
        assert bool(encoder.start) == ("emotions" in arm.name)


def test_an_arm_changes_what_it_names():
    arm = Arm("other", "tweeteval", [0], training={"epochs": 1}, loss={"smoothing": 0.3})
    _, params = settings(arm, Document.read())
    assert (params.training.epochs, params.loss.smoothing) == (1, 0.3)
    with pytest.raises(ValueError, match="epoch"):
        settings(arm._replace(training={"epoch": 1}), Document.read())


def test_first_seeds_come_first_and_what_is_done_is_left(tmp_path):
    arms = [Arm("a", "tweeteval", [0, 1]), Arm("b", "tweeteval", [0])]
    path = tmp_path / "results.csv"
    assert [(arm.name, seed) for arm, seed in waiting(arms, path)] == [("a", 0), ("b", 0), ("a", 1)]
    append(path, ["arm", "seed"], {"arm": "b", "seed": 0})
    assert done(path) == {("b", 0)}
    assert [(arm.name, seed) for arm, seed in waiting(arms, path)] == [("a", 0), ("a", 1)]


def test_a_run_is_judged_on_validation_and_test_is_looked_at_once(workspace, tmp_path, monkeypatch):
    labels, rows = read_rows(workspace)
    document = Document.read(workspace / "params.yaml")
    arm = Arm("tiny", "sample", [0])
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / ".scratch"
    kept.mkdir()
    row = run(arm, 0, document, labels, rows, kept)
    assert set(row) == set(runs.COLUMNS)
    logits = np.load(kept / "tiny-0.npz")
    assert logits["test"].shape == rows["test"].gold.shape
    append(Path("results.csv"), runs.COLUMNS, row)
    Path("params.yaml").write_text(
        "threads: 1\narms:\n  - {name: tiny, profile: sample, seeds: [0, 1]}\n"
    )
    monkeypatch.setattr(sys, "argv", ["looks", str(workspace)])
    for _ in range(2):
        looks.main()
    with Path("test.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert 0 <= float(line["macro_f1_low"]) <= float(line["macro_f1"]) <= 1
    assert {"billing", "praise", "question"} <= line.keys()
    with Path("summary.csv").open(newline="") as file:
        (mean,) = csv.DictReader(file)
    assert mean["what"] == "tiny" and mean["macro_f1"] == line["macro_f1"]


def test_the_summary_means_over_seeds_and_pairs_rows():
    gold = np.eye(2, dtype=int)[[0, 1] * 20]
    rows = runs.Rows(None, gold, np.arange(40))
    half = np.eye(2, dtype=bool)[[0, 0] * 20]
    lines = looks.summary({"better": [gold > 0, half], "worse": [half, half]}, rows)
    scores = {line["what"]: float(line["macro_f1"]) for line in lines}
    f1_of_half = (2 / 3) / 2
    assert scores["better"] == pytest.approx((1 + f1_of_half) / 2, abs=1e-6)
    assert scores["better less worse"] == pytest.approx((1 - f1_of_half) / 2, abs=1e-6)
    assert all(
        float(line["low"]) <= float(line["macro_f1"]) <= float(line["high"]) for line in lines
    )


def test_a_start_that_is_not_there_is_told_with_the_way_to_it(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = Document.read(Path(__file__).parents[2] / "params.yaml")
    labels, rows = read_rows(workspace)
    arm = Arm("from", "tweeteval-from-emotions", [0])
    with pytest.raises(EmotionSlmError, match="emotion-slm pull"):
        run(arm, 0, document, labels, rows, tmp_path)
