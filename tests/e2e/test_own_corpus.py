"""A corpus of one's own from its file to a packaged model: described, checked, trained, used."""

import re
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from support import tickets
from support.described import run_stages
from support.tiny import read_params, write_params
from typer.testing import CliRunner

from emotion_slm.audit.audit import audit
from emotion_slm.cli.app import app
from emotion_slm.common.files import read_json
from emotion_slm.common.paths import SPLITS
from emotion_slm.package.package import read_package
from emotion_slm.scoring.classifier import EmotionClassifier
from stages import fetch, split

ROWS = 400


def command(folder: Path, *arguments: str):
    with chdir(folder):
        return CliRunner().invoke(app, arguments)


def described(folder: Path, file: str, made: list[dict]) -> Path:
    """A workspace with corpus `mine`, written as `file` says and described by `corpus new`."""
    tickets.create_workspace(folder)
    tickets.WRITERS[file](folder / file, made)
    done = command(folder, "corpus", "new", file, "--name", "mine")
    assert done.exit_code == 0, done.output
    params = read_params(folder)
    write_params(folder, {**params, "profile": "mine"})
    return folder


def redescribed(folder: Path, old: str, new: str) -> None:
    path = folder / "corpora/mine.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def ids(folder: Path) -> dict[str, list[str]]:
    return {
        name: pd.read_parquet(folder / f"data/split/{name}.parquet")["id"].tolist()
        for name in SPLITS
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_bert, backbone_params) -> Path:
    folder = described(tmp_path_factory.mktemp("own") / "run", "delimited.csv", tickets.rows(ROWS))
    tickets.make_tiny(folder, "mine", backbone_params(tiny_bert))
    run_stages(folder)
    return folder


def test_the_run_has_the_labels_of_the_corpus(run):
    per_label = pd.read_csv(run / "metrics/plots/per_label.csv")
    assert sorted(per_label["label"]) == tickets.LABELS
    assert read_package(run / "models/classifier").corpus.labels.names == tuple(tickets.LABELS)


def test_conversations_stay_on_one_side_of_the_split(run):
    of = {ticket["ticket_id"]: ticket["conversation"] for ticket in tickets.rows(ROWS)}
    sides = [{of[row] for row in part} for part in ids(run).values()]
    assert sum(map(len, sides)) == len(set(of.values()))


def test_the_audit_passes(run):
    with chdir(run):
        assert not any(audit(Path(), strict=False)["must_be_zero"].values())


def test_the_check_finds_what_the_pipeline_split(run):
    done = command(run, "corpus", "check", "corpora/mine.yaml")
    assert done.exit_code == 3  # test has fewer rows than say much
    found = re.search(r"all rows +│ +(\d+) │ +│ +(\d+) │ +(\d+) │ +(\d+)", done.output)
    assert [int(count) for count in found.groups()] == [ROWS, *map(len, ids(run).values())]


def test_the_card_speaks_of_this_corpus(run):
    card = ModelCard.load(run / "models/classifier/README.md")
    assert "GoEmotions" not in card.text and "Reddit" not in card.text
    assert all(label in card.text for label in tickets.LABELS)
    assert card.data.language == "en"


def test_predict_scores_a_file_with_these_labels(run, tmp_path):
    tickets.write_csv(tmp_path / "new.csv", tickets.rows(20, seed=1))
    done = command(run, "predict", str(tmp_path / "new.csv"), "--text-column", "body")
    assert done.exit_code == 0, done.output
    scored = pd.read_csv(tmp_path / "new.scored.csv")
    assert set(tickets.LABELS) < set(scored.columns) and len(scored) == 20


@pytest.mark.slow
def test_an_onnx_export_scores_as_the_package(run, tmp_path):
    done = command(run, "export", "--onnx", "-o", str(tmp_path / "onnx"))
    assert done.exit_code == 0, done.output
    texts = [ticket["body"] for ticket in tickets.rows(10, seed=2)]
    by_package, by_onnx = (
        EmotionClassifier.from_pretrained(folder).logits(texts)
        for folder in (run / "models/classifier", tmp_path / "onnx")
    )
    np.testing.assert_allclose(by_onnx, by_package, atol=1e-3)


# How it is read and split


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """data/raw of the first layout."""
    return _raw(tmp_path_factory.mktemp("raw"), "delimited.csv")


def _raw(folder: Path, file: str) -> Path:
    run_stages(described(folder / "run", file, tickets.rows(60)), fetch)
    return folder / "run/data/raw"


@pytest.mark.parametrize("file", list(tickets.WRITERS)[1:])
def test_every_layout_gives_the_same_rows(raw, tmp_path, file):
    found = _raw(tmp_path, file)
    for name in ("train.tsv", "dev.tsv", "test.tsv"):
        assert (found / name).read_bytes() == (raw / name).read_bytes()


def test_by_time_the_newest_rows_are_the_test(tmp_path):
    made = tickets.rows(120)
    folder = described(tmp_path / "run", "lists.jsonl", made)
    redescribed(folder, "# time: created", "time: created")
    run_stages(folder, fetch, split)
    when = {ticket["ticket_id"]: ticket["created"] for ticket in made}
    times = [[when[row] for row in part] for part in ids(folder).values()]
    assert max(times[0]) <= min(times[1]) and max(times[1]) <= min(times[2])


def test_given_splits_are_kept(tmp_path):
    folder, made = tmp_path / "run", tickets.rows(120)
    tickets.create_workspace(folder)
    (folder / "mine").mkdir()
    parts = {"train": made[:80], "validation": made[80:100], "test": made[100:]}
    for name, part in parts.items():
        tickets.write_csv(folder / f"mine/{name}.csv", part)
    assert command(folder, "corpus", "new", "mine").exit_code == 0
    params = read_params(folder)
    params["split"]["protocol"] = "official"
    write_params(folder, {**params, "profile": "mine"})
    redescribed(folder, "group: conversation", "# group: conversation")
    run_stages(folder, fetch, split)
    assert ids(folder)["test"] == [ticket["ticket_id"] for ticket in parts["test"]]
    assert ids(folder)["validation"] == [ticket["ticket_id"] for ticket in parts["validation"]]


# Small ones, and bad ones


def test_a_hundred_rows_of_two_labels_train_with_wide_intervals(
    tmp_path, tiny_bert, backbone_params
):
    folder = described(tmp_path / "run", "lists.jsonl", tickets.of_labels(100, 2))
    tickets.make_tiny(folder, "mine", backbone_params(tiny_bert))
    done = command(folder, "corpus", "check", "corpora/mine.yaml")
    assert done.exit_code == 3 and "uncertain" in done.output
    run_stages(folder)
    test = read_json(folder / "metrics/test.json")
    assert test["macro_f1_high"] - test["macro_f1_low"] > 0.1


def test_what_the_check_refuses_stops_the_pipeline_before_training(tmp_path, capsys):
    made = tickets.rows(60)
    made[7] = {**made[7], "emotions": "anger"}
    folder = described(tmp_path / "run", "lists.jsonl", made)
    refused(folder, ":8: ", capsys)
    few = [{**ticket, "conversation": 1} for ticket in tickets.rows(60)]
    tickets.write_lists(folder / "corpora/mine/lists.jsonl", few)
    refused(folder, "no row is left for", capsys)
    assert not (folder / "models/adapted").exists()


def refused(folder: Path, words: str, capsys: pytest.CaptureFixture) -> None:
    done = command(folder, "corpus", "check", "corpora/mine.yaml")
    assert done.exit_code == 1 and words in done.output
    with pytest.raises(SystemExit):
        run_stages(folder)
    assert words in capsys.readouterr().err
