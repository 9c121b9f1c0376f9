import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import release
from emotion_slm.workbench.release import expected, locked_model, problems, refresh

FILES = {"config.json": b"{}", "encoder.safetensors": b"weights"}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


LISTING = json.dumps([{"md5": md5(content), "relpath": name} for name, content in FILES.items()])
MODEL = md5(LISTING.encode())


@pytest.fixture
def lock(tmp_path) -> Path:
    return write_lock(tmp_path / "dvc.lock", size=9)


def write_lock(path: Path, size: int) -> Path:
    out = {"path": "models/classifier", "md5": f"{MODEL}.dir", "size": size, "nfiles": 2}
    other = {"path": "data/predictions", "md5": "0.dir", "size": 1, "nfiles": 1}
    YAML(typ="safe").dump({"stages": {"evaluate": {"outs": [other, out]}}}, path)
    return path


def place(folder: Path, md5: str, content: bytes) -> Path:
    path = folder / "files/md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def push_into(folder: Path) -> None:
    """What `dvc push` does: the listing last, and nothing where the listing is already there."""
    if not (folder / "files/md5" / MODEL[:2] / f"{MODEL[2:]}.dir").exists():
        for content in FILES.values():
            place(folder, md5(content), content)
        place(folder, f"{MODEL}.dir", LISTING.encode())


@pytest.fixture
def folder(tmp_path) -> Path:
    push_into(tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture
def pushes(monkeypatch, tmp_path) -> list[list[str]]:
    """The commands run; a push by DVC itself is in the pipeline's tests."""
    commands = []

    def run(command, check):
        commands.append(command[2:])
        push_into(tmp_path / "release")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(release.subprocess, "run", run)
    return commands


def weights(folder: Path) -> Path:
    key = md5(FILES["encoder.safetensors"])
    return folder / "files/md5" / key[:2] / key[2:]


def test_the_lock_names_the_model(lock):
    assert locked_model(lock)["md5"] == f"{MODEL}.dir"


@pytest.mark.parametrize("content", ["stages: {}\n", "stages: {evaluate: {outs: []}}\n", None])
def test_a_lock_without_the_model_is_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(EmotionSlmError, match=r"dvc\.lock: names no models/classifier"):
        locked_model(tmp_path / "dvc.lock")


def test_a_complete_release_has_no_problem(lock, folder):
    assert len(expected(folder, f"{MODEL}.dir")) == 3
    assert problems(lock, folder) == []


def test_no_release_at_all_is_a_problem(lock, tmp_path):
    assert [text.rsplit(": ")[-1] for text in problems(lock, tmp_path / "none")] == ["missing"]


def test_missing_altered_and_foreign_files_are_named(lock, folder):
    weights(folder).write_bytes(b"weightz")
    place(folder, md5(FILES["config.json"]), b"{}").unlink()
    stray = place(folder, "abcdef", b"of an older model")
    listed = "\n".join(problems(lock, folder))
    assert f"{weights(folder)}: its content is not what its name says" in listed
    assert listed.count(": missing") == 1
    assert f"{stray}: not part of the model" in listed


def test_an_altered_listing_is_named_and_not_believed(lock, folder):
    path = place(folder, f"{MODEL}.dir", b"[not json")
    assert f"{path}: its content is not what its name says" in problems(lock, folder)


def test_a_release_too_large_for_git_is_named(lock, folder, monkeypatch):
    monkeypatch.setattr(release, "MOST_BYTES", 5)
    assert "more than 5" in problems(lock, folder)[0]


def test_refresh_pushes_the_model_alone_and_removes_an_older_one(lock, folder, pushes):
    weights(folder).unlink()
    stray = place(folder, "abcdef", b"of an older model")
    refresh(lock, folder)
    assert pushes == [["dvc", "push", "--remote", "release", "models/classifier"]]
    assert problems(lock, folder) == [] and not stray.exists()


@pytest.mark.parametrize("broken", ["weights", "listing"])
def test_refresh_replaces_an_altered_object(lock, folder, pushes, broken):
    path = weights(folder) if broken == "weights" else place(folder, f"{MODEL}.dir", b"")
    path.write_bytes(b"altered")
    refresh(lock, folder)
    assert problems(lock, folder) == []


def test_a_model_too_large_is_refused_before_anything_is_written(tmp_path, folder, pushes):
    stray = place(folder, "abcdef", b"of an older model")
    with pytest.raises(EmotionSlmError, match="25000001 bytes"):
        refresh(write_lock(tmp_path / "dvc.lock", size=25_000_001), folder)
    assert pushes == [] and stray.exists()


def test_a_push_that_fails_removes_nothing(lock, folder, monkeypatch):
    stray = place(folder, "abcdef", b"of an older model")
    failed = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(release.subprocess, "run", lambda command, check: failed)
    with pytest.raises(EmotionSlmError, match="could not be pushed"):
        refresh(lock, folder)
    assert stray.exists()
