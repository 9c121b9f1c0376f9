"""The commit of a model, in a repository made for the test."""

import subprocess
from pathlib import Path

import pytest

from emotion_slm.model.revision import find_revision


@pytest.fixture
def commit(tmp_path, monkeypatch):
    """Function: content of dvc.lock → the commit that holds it, in the working directory."""
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")

    def make(lock: str) -> str:
        Path("dvc.lock").write_text(lock)
        git("add", "dvc.lock")
        git("commit", "--quiet", "--message", "lock")
        return git("rev-parse", "HEAD")

    return make


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_bytes(b"first\n")
    (folder / "b").write_bytes(b"second\n")
    return folder


# The name that `dvc add` gives this folder.
MODEL = "md5: 5226dfdde4020b72e74628c88a15fb32.dir\n"


def test_the_first_commit_that_names_the_files(commit, model):
    commit("md5: 0123.dir\n")
    expected = commit(MODEL)
    commit(f"{MODEL}# and more\n")
    commit("md5: 4567.dir\n")
    assert find_revision(model) == expected


def test_an_altered_model_is_of_no_commit(commit, model):
    commit(MODEL)
    (model / "a").write_bytes(b"altered\n")
    assert find_revision(model) is None


def test_outside_git_there_is_none(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert find_revision(model) is None
