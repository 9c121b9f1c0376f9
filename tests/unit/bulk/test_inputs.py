"""Which files INPUT… names, and that outputs are never among them."""

import os

import pytest

from emotion_slm.bulk.inputs import check_apart, find_inputs
from emotion_slm.bulk.storage import locate
from emotion_slm.common.errors import EmotionSlmError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/a.csv",
        "in/b.csv.gz",
        "in/deep/c.csv",
        "in/notes",
        "in/_SUCCESS",
        "in/.hidden.csv",
        "in/_old/d.csv",
        "in/[1].csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text\na\n")
    return tmp_path


def names(found) -> list[str]:
    return [os.path.relpath(uri, "in") for uri in found.uris]


@pytest.mark.parametrize(
    ("given", "expected", "skipped"),
    [
        (["in"], ["[1].csv", "a.csv", "b.csv.gz", "deep/c.csv"], 1),
        (["in/"], ["[1].csv", "a.csv", "b.csv.gz", "deep/c.csv"], 1),
        (["in/*.csv"], [".hidden.csv", "[1].csv", "a.csv"], 0),
        (["in/*/c.csv"], ["deep/c.csv"], 0),
        (["in/[1].csv"], ["[1].csv"], 0),
        (["in/a.csv", "./in/../in/a.csv", "in/a*"], ["a.csv"], 0),
        (["in/notes", "in/a.csv"], ["a.csv", "notes"], 0),
    ],
)  # fmt: skip
def test_files_are_found_once(folder, given, expected, skipped):
    found = find_inputs(given, any_suffix=False)
    assert (names(found), found.skipped) == (expected, skipped)


def test_a_named_format_takes_files_without_a_suffix(folder):
    assert "notes" in names(find_inputs(["in"], any_suffix=True))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("none", "no such file or folder"),
        ("in/*.parquet", "no file of such a name"),
        ("empty", "nothing to score there"),
        ("odd", "1 files there, none with a known suffix"),
        ("nonsense://x/y", "no file system for it"),
    ],
)
def test_what_names_nothing_is_told(folder, given, expected):
    (folder / "empty").mkdir()
    (folder / "odd").mkdir()
    (folder / "odd/notes").write_text("")
    with pytest.raises(EmotionSlmError, match=expected) as raised:
        find_inputs(["in/a.csv", given], any_suffix=False)
    assert given in str(raised.value)


@pytest.mark.parametrize(
    ("given", "output", "fault"),
    [
        (["in"], "in/out", "lies in the input"),
        (["in"], "in", "lies in the input"),
        (["in"], "link/out", "lies in the input"),
        (["in/*/*.csv"], "in/out", "lies in the input"),
        (["in/deep/c.csv", "in/a.csv"], "in/deep", "holds the input"),
        (["in/*.csv"], "in/out", None),
        (["in"], "in2", None),
        (["in"], "out", None),
    ],
)
def test_outputs_are_never_inputs(folder, given, output, fault):
    (folder / "link").symlink_to(folder / "in")
    inputs = find_inputs(given, any_suffix=False)
    if fault is None:
        check_apart(given, inputs, locate(output))
        return
    with pytest.raises(EmotionSlmError, match=fault):
        check_apart(given, inputs, locate(output))
