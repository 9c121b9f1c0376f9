import hashlib
import json
from pathlib import Path

import pytest
from support.repository import dvc

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.dvc_store import (
    cache,
    folder_md5,
    is_sound,
    listed,
    named,
    object_path,
)

MD5 = "a" * 32


@pytest.fixture
def keep(tmp_path):
    """Function: content and ending of the name → the object in a store at tmp_path."""

    def write(content: bytes, ending: str = "") -> Path:
        path = object_path(tmp_path, hashlib.md5(content).hexdigest() + ending)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("ending", ["", ".dir"])
def test_an_object_lies_under_its_name(ending):
    path = object_path(Path("store"), MD5 + ending)
    assert path == Path("store/files/md5/aa") / (MD5[2:] + ending) and named(path) == MD5


def test_an_object_is_sound_when_it_is_what_its_name_says(keep, tmp_path):
    path = keep(b"weights")
    assert is_sound(path) and not is_sound(object_path(tmp_path, MD5))
    path.write_bytes(b"Weights")
    assert not is_sound(path)


def test_a_listing_is_sound_and_names_its_files(keep):
    content = [{"md5": MD5, "relpath": "inner/config.json"}]
    path = keep(json.dumps(content).encode(), ".dir")
    assert is_sound(path) and listed(path) == {"inner/config.json": MD5}


@pytest.mark.parametrize(
    ("configured", "place"), [("../elsewhere", "elsewhere"), ("/anywhere/shared",) * 2]
)
def test_a_cache_lies_where_the_configuration_says(tmp_path, configured, place):
    folder = tmp_path / ".dvc"
    folder.mkdir()
    (folder / "config").write_text(f"[core]\nno_scm = true\n[cache]\ndir = {configured}\n")
    assert cache(tmp_path).resolve() == (tmp_path / place).resolve()


def test_outside_dvc_is_an_error(tmp_path):
    with pytest.raises(EmotionSlmError, match="not a DVC workspace; run this in"):
        cache(tmp_path)


def test_folders_are_hashed_as_dvc_hashes_them(repository):
    folder = repository / "folder"
    for name in ("a/b", "a-b", "é.txt", "z/deep/er"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    dvc(repository, "add", "-q", "folder")
    assert f"md5: {folder_md5(folder)}" in (repository / "folder.dvc").read_text()
