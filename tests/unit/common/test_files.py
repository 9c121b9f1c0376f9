import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.disk import refusing

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import (
    atomic_path,
    read_array,
    read_json,
    read_parquet,
    remove_unfinished,
    require,
    sha256_file,
    sha256_lines,
    write_array,
    write_bytes,
    write_json,
    write_parquet,
)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_atomic_path_makes_folders_and_leaves_the_file_alone(tmp_path):
    target = tmp_path / "a" / "b" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == target.parent  # a rename across file systems is not atomic
    assert target.read_text() == "new"
    assert names(target.parent) == ["file.txt"]


def test_failure_keeps_the_old_content_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_interruption_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_leftover_of_a_killed_process_with_the_same_id_is_not_kept(tmp_path):
    # In a container every process may have the same small id.
    leftover = tmp_path / f".file.txt.{os.getpid()}.part"
    leftover.write_text("stale ")
    with atomic_path(tmp_path / "file.txt") as temporary, temporary.open("a") as stream:
        stream.write("new")
    assert (tmp_path / "file.txt").read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space there"),
        (errno.EDQUOT, "free some space there"),
        (errno.EROFS, "make its folder writable"),
        (errno.EACCES, "make its folder writable"),
    ],
)
def test_a_disk_that_takes_no_more_is_named_with_the_remedy(tmp_path, number, remedy):
    target = tmp_path / "file.txt"
    target.write_text("old")
    message = rf"file\.txt: could not be written \({os.strerror(number)}\); {remedy}"
    with pytest.raises(EmotionSlmError, match=message), atomic_path(target) as temporary:
        temporary.write_text("half")
        refusing(number)()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_array_on_a_full_disk_is_named_as_such(tmp_path):
    full = tmp_path / f".x.npy.{os.getpid()}.part"
    message = r"x\.npy: could not be .*; free some space there"
    with pytest.raises(EmotionSlmError, match=message), atomic_path(tmp_path / "x.npy"):
        full.symlink_to("/dev/full")
        with full.open("wb") as stream:
            np.save(stream, np.zeros(100_000))
    assert names(tmp_path) == []


def test_other_errors_of_the_block_are_left_as_they_are(tmp_path):
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path / "file.txt"):
        tmp_path.write_text("a folder")


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path):
    kept = ["test.json", "plots/.f1.png.part", "plots/f1.png", "x.1.part"]
    for name in [*kept, ".test.json.17.part", "plots/.f1.png.123456.part"]:
        write_bytes(tmp_path / name, b"")
    remove_unfinished(tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} - {"plots"}
    assert found == set(kept)
    remove_unfinished(tmp_path / "absent")


def test_json_is_sorted_readable_and_ends_in_a_newline(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1, "a": {"d": "é", "c": [1.5, None]}})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert text.index('"a"') < text.index('"b"') and text.index('"c"') < text.index('"d"')
    assert "é" in text and text.endswith("}\n")
    assert read_json(tmp_path / "x.json") == {"a": {"c": [1.5, None], "d": "é"}, "b": 1}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_number(tmp_path, value):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"f1": [value]})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[1]", "expected a JSON object, found list"),
        (b"null", "expected a JSON object, found NoneType"),
    ],
)
def test_bad_json_names_the_file(tmp_path, content, expected):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(EmotionSlmError, match=rf"x\.json: {expected}"):
        read_json(tmp_path / "x.json")


def test_parquet_round_trip_with_lists_and_odd_texts(tmp_path):
    frame = pd.DataFrame(
        {"id": ["a", "b"], "text": [" x\t\r\n", "😀"], "labels": [["joy", "love"], []]},
        index=[5, 9],
    )
    write_parquet(tmp_path / "x.parquet", frame)
    found = read_parquet(tmp_path / "x.parquet", ("text", "labels"))
    assert found["text"].tolist() == [" x\t\r\n", "😀"]
    assert [list(labels) for labels in found["labels"]] == [["joy", "love"], []]
    assert found.index.tolist() == [0, 1]
    assert names(tmp_path) == ["x.parquet"]


def test_missing_parquet_column_is_named_with_those_found(tmp_path):
    write_parquet(tmp_path / "x.parquet", pd.DataFrame({"id": ["a"], "txt": ["b"]}))
    with pytest.raises(
        EmotionSlmError, match=r"x\.parquet: column 'text' is missing \(found id, txt\)"
    ):
        read_parquet(tmp_path / "x.parquet", ("id", "text"))


@pytest.mark.parametrize("keep", [0, 3, 200])
def test_truncated_parquet_is_named(tmp_path, keep):
    path = tmp_path / "x.parquet"
    write_parquet(path, pd.DataFrame({"id": ["a"] * 100}))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EmotionSlmError, match=r"x\.parquet: not a readable Parquet file"):
        read_parquet(path, ("id",))


def test_array_round_trip_is_mapped_read_only(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_array(tmp_path / "x.npy", array)
    found = read_array(tmp_path / "x.npy")
    assert isinstance(found, np.memmap) and found.dtype == np.float32
    np.testing.assert_array_equal(found, array)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_truncated_array_is_named(tmp_path, keep):
    path = tmp_path / "x.npy"
    write_array(path, np.arange(100, dtype=np.float32))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EmotionSlmError, match=r"x\.npy: not a readable \.npy file"):
        read_array(path)


def test_pickled_arrays_are_neither_written_nor_read(tmp_path):
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_array(tmp_path / "x.npy", objects)
    assert names(tmp_path) == []
    np.save(tmp_path / "y.npy", objects, allow_pickle=True)
    with pytest.raises(EmotionSlmError, match=r"y\.npy: not a readable"):
        read_array(tmp_path / "y.npy")


def test_missing_files_name_the_remedy(tmp_path):
    path = tmp_path / "absent"
    for read in (require, read_json, read_array, sha256_file, lambda p: read_parquet(p, ("id",))):
        with pytest.raises(EmotionSlmError, match=r"absent: no such file; `dvc repro` makes it"):
            read(path)


def test_sha256_of_a_file(tmp_path):
    write_bytes(tmp_path / "x", b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "x") == expected


@given(st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"))), st.randoms())
def test_hash_of_lines_ignores_order(lines, random):
    shuffled = random.sample(lines, len(lines))
    assert sha256_lines(lines) == sha256_lines(shuffled)
    assert sha256_lines([*lines, "one more"]) != sha256_lines(lines)


def test_hash_of_lines_keeps_lines_apart_and_counts_them():
    assert sha256_lines(["ab", "c"]) != sha256_lines(["a", "bc"])
    assert sha256_lines(["a", "a"]) != sha256_lines(["a"])
    assert sha256_lines([""]) != sha256_lines([])


@pytest.mark.parametrize("root", ["nowhere/", "/somewhere/else/", "../../nowhere/"])
def test_only_what_a_remote_has_is_said_to_be_pulled(root):
    """The released model lies in the repository; data and other models are in no remote of all."""
    for name in ("data/split/test.parquet", "models/adapted/config.json", "dvc.lock"):
        with pytest.raises(EmotionSlmError, match=r"no such file; `dvc repro` makes it$"):
            require(Path(root + name))
    with pytest.raises(EmotionSlmError, match=r"makes it, `emotion-slm pull` fetches"):
        require(Path(f"{root}models/classifier/config.json"))
