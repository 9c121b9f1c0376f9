"""Publishing, against a stub of the hub's HTTP API on this machine."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants, snapshot_download
from support.hub import OWNER, TOKEN, serving
from transformers import AutoModelForSequenceClassification
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.files import sha256_file
from emotion_slm.package.card import write_card
from emotion_slm.package.package import read_package
from emotion_slm.scoring.classifier import EmotionClassifier

REPO = f"{OWNER}/emotions"
FILES = {
    "README.md", "calibration.json", "classifier.safetensors", "config.json", "corpus.json",
    "encoder.safetensors", "model.safetensors", "results.json", "scores.json", "thresholds.json",
    "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
TEXTS = ["happy cat", "the very sad dog"]


@pytest.fixture(scope="module")
def server():
    with serving() as hub:
        yield hub


@pytest.fixture
def hub(server, monkeypatch, tmp_path):
    """The stub, empty, where huggingface_hub looks for the hub, and a token that it accepts."""
    for content in (server.repositories, server.objects, server.uploads, server.refuse):
        content.clear()
    monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
    template = f"{server.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stub has no such storage
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return server


@pytest.fixture
def model(packaged, tmp_path) -> Path:
    """A package with its card."""
    folder = Path(shutil.copytree(packaged, tmp_path / "classifier"))
    write_card(read_package(folder))
    return folder


@pytest.fixture
def push(model):
    """Function: arguments → result of `emotion-slm push` of that package."""

    def run(*arguments: str):
        return CliRunner().invoke(app, ["push", "--model", str(model), *arguments])

    return run


def assert_refused(result, *parts: str) -> None:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # no traceback
    for part in parts:
        assert part in " ".join(result.output.split())


def test_without_publish_it_only_says_what_would_be_sent(hub, push, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    result = push(REPO)
    assert result.exit_code == 0, result.output
    assert f"{hub.endpoint}/{REPO} (private)" in result.output
    assert all(name in result.output for name in FILES)
    assert "Nothing was sent" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    assert not hub.repositories and not hub.uploads


def test_what_is_published_loads_from_there_both_ways(hub, push, model, tiny_bert, monkeypatch):
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04planted")  # no part of the package
    result = push(REPO, "--publish")
    assert result.exit_code == 0, result.output
    assert f"{hub.endpoint}/{REPO}/commit/" in result.output
    assert hub.repositories[REPO]["private"] is True
    assert set(hub.files(REPO)) == FILES
    card = hub.files(REPO)["README.md"].decode()
    assert f'snapshot_download("{REPO}")' in card and "models/classifier" not in card
    config = json.loads(hub.files(REPO)["config.json"])
    assert config["provenance"]["revision"] is None  # of no commit's dvc.lock
    assert "_name_or_path" not in config["backbone"]  # a folder of the publisher's

    original = EmotionClassifier.from_pretrained(model)
    assert config["encoder"]["id"] == tiny_bert.name  # so is this, but for its name
    monkeypatch.chdir(tiny_bert.parent)
    fetched = EmotionClassifier.from_pretrained(snapshot_download(REPO))
    np.testing.assert_array_equal(fetched.predict_proba(TEXTS), original.predict_proba(TEXTS))
    whole = AutoModelForSequenceClassification.from_pretrained(REPO)
    tokenizer = original.engine.tokenizer
    padded = tokenizer.pad(tokenizer(TEXTS))
    inputs = {name: torch.from_numpy(part) for name, part in padded.items()}
    np.testing.assert_allclose(
        whole(**inputs).logits.sigmoid().detach(), original.predict_proba(TEXTS), atol=1e-5
    )


def test_an_upload_that_broke_off_is_completed_by_the_next(hub, push, model):
    sent = sha256_file(model / "encoder.safetensors")
    hub.refuse.add(sent)
    assert_refused(push(REPO, "--publish"), REPO, "encoder.safetensors", "the same command again")
    assert hub.files(REPO) == {}  # nobody meets half a model
    first = set(hub.uploads)
    assert len(first) == 2
    hub.refuse.clear()
    hub.uploads.clear()
    assert push(REPO, "--publish").exit_code == 0
    assert hub.uploads == [sent]
    assert set(hub.files(REPO)) == FILES


def test_a_public_repository_is_made_only_when_asked_for(hub, push):
    assert push(REPO, "--publish", "--public").exit_code == 0
    assert hub.repositories[REPO]["private"] is False
    hub.files(REPO).clear()
    assert_refused(push(REPO, "--publish"), "there already, and public; add --public")
    assert hub.files(REPO) == {}


def test_a_private_repository_is_not_taken_for_a_public_one(hub, push):
    hub.repositories[REPO] = {"private": True, "files": {}}
    assert_refused(push(REPO, "--publish", "--public"), "and private; leave out --public")


def test_no_token(hub, push, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    assert_refused(push(REPO, "--publish"), "no token", "hf auth login", "HF_TOKEN")


def test_a_token_that_is_not_accepted(hub, push, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    assert_refused(push(REPO, "--publish"), "does not accept the token", "hf auth login")


def test_a_token_that_may_not_write_there(hub, push):
    assert_refused(push("others/emotions", "--publish"), "may not write to others/emotions")


def test_a_card_that_the_hub_rejects(hub, push, monkeypatch):
    monkeypatch.setattr("emotion_slm.publish.hub.model_card", lambda *_, **__: "no front matter")
    assert_refused(push(REPO, "--publish"), "Invalid metadata in README.md")
    assert hub.files(REPO) == {} and not hub.uploads


def test_a_hub_that_cannot_be_reached(hub, push, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert_refused(push(REPO, "--publish"), "http://127.0.0.1:9 cannot be reached")


def test_offline_mode(hub, push, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_refused(push(REPO, "--publish"), "HF_HUB_OFFLINE forbids the network")


@pytest.mark.parametrize("name", ["emotions", "me/too/deep", "me/", "me/a b", "../x", "me/-x"])
def test_malformed_names(hub, push, name):
    assert_refused(push(name, "--publish"), f"'{name}' is no OWNER/NAME")
    assert not hub.repositories


def test_a_card_edited_by_hand_is_made_anew(hub, push, model):
    (model / "README.md").write_text("the best model in the world")
    assert push(REPO, "--publish").exit_code == 0
    assert "best model" not in hub.files(REPO)["README.md"].decode()


def test_a_model_without_results_for_its_card_is_not_published(hub, push, model):
    config = json.loads((model / "config.json").read_text())
    del config["files"]["results.json"]
    (model / "config.json").write_text(json.dumps(config))
    (model / "results.json").unlink()
    assert_refused(push(REPO, "--publish"), "results.json: no such file")
    assert not hub.repositories
