import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import release
from emotion_slm.workbench.release import fetch, locked_model, problems, refresh, released_model

FILES = {"config.json": b"{}", "encoder.safetensors": b"weights"}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def listing(files: dict[str, bytes]) -> bytes:
    entries = [{"md5": md5(content), "relpath": name} for name, content in files.items()]
    return json.dumps(entries).encode()


MODEL = md5(listing(FILES)) + ".dir"


def write_lock(path: Path, size: int = 9) -> Path:
    out = {"path": "models/classifier", "md5": MODEL, "size": size, "nfiles": 2}
    other = {"path": "data/predictions", "md5": "0.dir", "size": 1, "nfiles": 1}
    stage = {"cmd": "x", "outs": [other, out]}
    YAML(typ="safe").dump({"schema": "2.0", "stages": {"evaluate": stage}}, path)
    return path


def place(store: Path, name: str, content: bytes) -> Path:
    path = store / "files/md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_store(store: Path, files: dict[str, bytes] = FILES) -> Path:
    for content in files.values():
        place(store, md5(content), content)
    place(store, md5(listing(files)) + ".dir", listing(files))
    return store


@pytest.fixture
def lock(tmp_path) -> Path:
    return write_lock(tmp_path / "dvc.lock")


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_store(tmp_path / "project/release")


@pytest.fixture
def store(tmp_path) -> Path:
    """DVC's cache, which holds the model among other things."""
    place(tmp_path / "cache", md5(b"other"), b"other")
    return write_store(tmp_path / "cache")


def weights(folder: Path) -> Path:
    key = md5(FILES["encoder.safetensors"])
    return folder / "files/md5" / key[:2] / key[2:]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_lock_names_the_model(lock):
    assert locked_model(lock).md5 == MODEL


@pytest.mark.parametrize(
    "content", ["schema: '2.0'\n", "schema: '2.0'\nstages: {evaluate: {cmd: x}}\n", None]
)
def test_a_lock_without_the_model_is_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(EmotionSlmError, match=r"dvc\.lock: names no models/classifier"):
        locked_model(tmp_path / "dvc.lock")


def test_a_whole_release_has_no_problem(folder):
    assert problems(folder) == [] and released_model(folder) == MODEL


def test_no_release_and_two_are_problems(folder, tmp_path):
    assert "holds 0 models" in problems(tmp_path / "none")[0]
    write_store(folder, {"config.json": b"another"})
    assert "holds 2 models" in problems(folder)[0]


def test_missing_altered_and_foreign_files_are_named(folder):
    weights(folder).write_bytes(b"weightz")
    place(folder, md5(FILES["config.json"]), b"{}").unlink()
    stray = place(folder, "abcdef", b"of an older model")
    found = "\n".join(problems(folder))
    assert f"{weights(folder)}: its content is not what its name says" in found
    assert found.count(": missing") == 1
    assert f"{stray}: not part of the model" in found


def test_an_altered_listing_is_named_and_not_believed(folder):
    path = place(folder, MODEL, b"[not json")
    assert f"{path}: its content is not what its name says" in problems(folder)


def test_a_release_too_large_for_git_is_named(folder, monkeypatch):
    monkeypatch.setattr(release, "MOST_BYTES", 5)
    assert "more than 5" in problems(folder)[0]


@pytest.mark.parametrize("broken", ["weights", "listing", None])
def test_refresh_writes_the_model_alone_and_removes_an_older_one(lock, folder, store, broken):
    if broken:
        path = weights(folder) if broken == "weights" else place(folder, MODEL, b"")
        path.write_bytes(b"altered")
    write_store(folder, {"config.json": b"older"})
    refresh(lock, folder, store)
    assert problems(folder) == [] and released_model(folder) == MODEL


@pytest.mark.parametrize("fault", ["size", "missing", "altered"])
def test_refresh_that_cannot_be_whole_writes_nothing(tmp_path, folder, store, fault):
    lock = write_lock(tmp_path / "dvc.lock", size=25_000_001 if fault == "size" else 9)
    if fault == "missing":
        weights(store).unlink()
    if fault == "altered":
        weights(store).write_bytes(b"altered")
    stray = place(folder, "abcdef", b"of an older model")
    with pytest.raises(EmotionSlmError, match=r"25000001 bytes|not whole in DVC's cache"):
        refresh(lock, folder, store)
    assert stray.exists()


def test_a_model_that_names_a_folder_of_this_machine_is_not_released(tmp_path, folder):
    config = json.dumps({"encoder": {"id": "/home/me/base"}}).encode()
    files = FILES | {"config.json": config}
    store = write_store(tmp_path / "private", files)
    lock = tmp_path / "dvc.lock"
    write_lock(lock)
    lock.write_text(lock.read_text().replace(MODEL, md5(listing(files)) + ".dir"))
    with pytest.raises(EmotionSlmError, match="names a folder of this machine"):
        refresh(lock, folder, store)
    assert released_model(folder) == MODEL


@pytest.fixture
def project(folder) -> Path:
    """A git repository with a release, tagged v1, and a newer one."""
    root = folder.parent
    (root / "README.md").write_text("not wanted")

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True)

    git("init", "-b", "main")
    for key, value in (("user.name", "a"), ("user.email", "a@example.org")):
        git("config", key, value)
    git("add", "-A")
    git("commit", "-m", "first")
    git("tag", "v1")
    shutil.rmtree(folder)
    write_store(folder, {"config.json": b"newer"})
    git("add", "-A")
    git("commit", "-m", "second")
    return root


def test_the_model_comes_from_a_folder_a_url_and_a_tag(project, tmp_path):
    fetch(str(project), tmp_path / "one")
    fetch(project.as_uri(), tmp_path / "two")
    fetch(str(project), tmp_path / "three", "v1")
    newer = {"config.json": b"newer"}
    found = [content(tmp_path / name) for name in ("one", "two", "three")]
    assert found == [newer, newer, FILES]


def test_the_command_says_where_the_model_is_and_replaces_nothing(project, tmp_path):
    output = tmp_path / "deep/model"
    arguments = ["pull", str(project), "--output", str(output)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0 and str(output) in done.output
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1 and content(output) == {"config.json": b"newer"}


def test_an_empty_folder_may_be_filled(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    fetch(str(folder.parent), tmp_path / "empty")
    assert content(tmp_path / "empty") == FILES


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "/escaped",
        "a/b",
        "..",
        "",
        ".git",
        "C:escaped",
        "escaped\0",
        "pickle.bin",
        "CON",
    ],
)
def test_a_listing_that_leaves_the_folder_is_refused(tmp_path, name):
    write_store(tmp_path / "project/release", {name: b"x"})
    with pytest.raises(EmotionSlmError, match="no plain file name"):
        fetch(str(tmp_path / "project"), tmp_path / "in/model")
    assert not list(tmp_path.rglob("escaped")) and not (tmp_path / "in").exists()


def released(root: Path, listed: bytes) -> Path:
    """A project whose release is the listing `listed`."""
    place(root / "release", md5(listed) + ".dir", listed)
    return root


@pytest.mark.parametrize(
    "listed",
    [
        b"", b"{", b"null", b"7", b'"x"', b"[7]", b"[[]]", b'[{"md5": "ab"}]', b"[" * 100_000,
        b"{}", b'{"a": "b"}', b'[{"relpath": "config.json", "md5": 7}]', b"\xff",
        b'[{"relpath": "config.json", "md5": "../../../etc/passwd"}]',
        b'[{"relpath": ["config.json"], "md5": "x"}]',
        listing(FILES)[:-1] + b", " + listing(FILES)[1:],
    ],
)  # fmt: skip
def test_a_listing_that_is_none_is_refused(tmp_path, listed):
    with pytest.raises(EmotionSlmError, match="no listing of DVC's"):
        fetch(str(released(tmp_path / "project", listed)), tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path),
        lambda path: path.symlink_to("/etc/passwd"),
    ],
    ids=["pipe", "device", "circle", "link"],
)  # fmt: skip
@pytest.mark.parametrize("beside", [False, True])
def test_what_is_no_file_is_refused_unread(folder, tmp_path, make, beside):
    path = folder / "more" if beside else weights(folder)
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises(EmotionSlmError, match=f"{path.name}: no file, but a link, pipe or device"):
        fetch(str(folder.parent), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_release_of_nothing_is_refused(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"lists no config\.json"):
        fetch(str(released(tmp_path / "project", b"[]")), tmp_path / "model")


def test_what_is_too_large_is_refused_unread(folder, tmp_path):
    os.truncate(weights(folder), 2**40)  # takes no room, and hours to hash
    with pytest.raises(EmotionSlmError, match="bytes, more than 25000000"):
        fetch(str(folder.parent), tmp_path / "model")


def test_a_link_in_a_repository_leads_nowhere(project, tmp_path):
    (tmp_path / "secret").write_bytes(FILES["config.json"])
    path = next(path for path in (project / "release/files/md5").rglob("*") if len(path.name) == 30)
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    subprocess.run(["git", "-C", project, "commit", "-qam", "linked"], check=True)
    with pytest.raises(EmotionSlmError, match="the release is not whole"):
        fetch(project.as_uri(), tmp_path / "model")


def test_a_file_that_unpacks_to_much_ends_the_clone(project, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "MOST_CLONED_BYTES", 1_000_000)
    (project / "release/bomb").write_bytes(bytes(50_000_000))
    for command in (["add", "-A"], ["commit", "-qm", "bomb"]):
        subprocess.run(["git", "-C", project, *command], check=True)
    with pytest.raises(EmotionSlmError, match="git could not clone it"):
        fetch(project.as_uri(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_broken_release_leaves_nothing(folder, tmp_path):
    weights(folder).write_bytes(b"altered")
    with pytest.raises(EmotionSlmError, match="not whole"):
        fetch(str(folder.parent), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_cannot_be_cloned_is_named(tmp_path, project):
    with pytest.raises(EmotionSlmError, match="could not clone"):
        fetch((tmp_path / "none").as_uri(), tmp_path / "model")
    with pytest.raises(EmotionSlmError, match="could not clone"):
        fetch(str(project), tmp_path / "model", "v9")
    with pytest.raises(EmotionSlmError, match="could not clone"):
        fetch("--upload-pack=touch escaped", tmp_path / "model")
    subprocess.run(["git", "-C", project, "rm", "-rq", "release"], check=True)
    subprocess.run(["git", "-C", project, "commit", "-qm", "none"], check=True)
    with pytest.raises(EmotionSlmError, match="no released model"):
        fetch(project.as_uri(), tmp_path / "model")
