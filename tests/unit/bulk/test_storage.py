"""Writes that are whole or not there, locally and through fsspec."""

from pathlib import Path

import pytest

from emotion_slm.bulk import storage
from emotion_slm.bulk.storage import locate
from emotion_slm.common.errors import EmotionSlmError


@pytest.mark.parametrize("root", ["local", "memory://bucket/x"])
@pytest.mark.parametrize("content", [b"", b"abc" * 100_000])
def test_what_is_put_is_listed_and_read(tmp_path, root, content):
    place = locate(str(tmp_path / "x") if root == "local" else root)
    source = tmp_path / "source"
    source.write_bytes(content)
    storage.put(source, place / "deep/a b.csv")
    storage.put_bytes(content, place / "c.csv")
    assert not source.exists()
    assert storage.list_files(place) == [("c.csv", len(content)), ("deep/a b.csv", len(content))]
    assert storage.read(place / "deep/a b.csv") == content == storage.read(place / "c.csv")
    storage.delete(place / "c.csv")
    storage.delete(place / "c.csv")
    storage.delete(place / "deep/a b.csv")
    assert storage.list_files(place) == []


def test_nothing_half_written_is_seen(tmp_path, monkeypatch):
    place = locate(str(tmp_path)) / "x.json"
    storage.put_bytes(b"before", place)

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EmotionSlmError, match=r"x\.json: No space left on device; free some"):
        storage.put_bytes(b"after", place)
    assert storage.list_files(locate(str(tmp_path))) == [("x.json", 6)]
    assert storage.read(place) == b"before"


def test_a_complaint_without_words_is_told_by_its_name():
    with pytest.raises(EmotionSlmError, match="x: OSError"), storage.naming("x"):
        raise OSError


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert storage.list_files(locate(str(tmp_path / "none"))) == []
    with pytest.raises(EmotionSlmError, match="none: no such file"):
        storage.read(locate(str(tmp_path / "none")))


def test_a_stamp_changes_with_the_file(tmp_path):
    place = locate(str(tmp_path / "x"))
    storage.put_bytes(b"a", place)
    first = storage.stamp(place)
    assert storage.stamp(place) == first and first[1] is None
    storage.put_bytes(b"b", place)
    assert storage.stamp(place) != first


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://anonymous@bucket/a/b c.csv", "bucket/a/b c.csv"),
        ("gs://anonymous@bucket/a/", "bucket/a"),
        ("gs://anonymous@bucket", "bucket"),
        ("file:///a/b c.csv", "/a/b c.csv"),
    ],
)
def test_a_place_by_its_uri(uri, path):
    place = locate(uri)
    assert (place.path, place.local) == (path, uri.startswith("file"))
    assert (place / "x").path == f"{path}/x"
    assert place.filesystem.type_name == ("local" if place.local else "gcs")
