"""Folders and buckets as one thing: listing, reading, and writing that is whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
from pyarrow.fs import (
    FileSelector,
    FileSystem,
    FileType,
    FSSpecHandler,
    LocalFileSystem,
    PyFileSystem,
)

from emotion_slm.common.errors import NO_SPACE, EmotionSlmError
from emotion_slm.common.files import flush

SCRATCH = "_scratch-"  # folders of files under way, a run's own each
OWN_SCHEMES = ("gs", "gcs", "hdfs")  # that pyarrow takes as they are


class Place(NamedTuple):
    """A file or folder: its file system, its path there, and how people call it.

    `local`: it lies on this machine's disks, or what is mounted there.
    """

    filesystem: FileSystem
    path: str
    uri: str
    local: bool

    def __truediv__(self, name: str) -> "Place":
        joined = f"{self.path.rstrip('/')}/{name}", f"{self.uri.rstrip('/')}/{name}"
        return Place(self.filesystem, *joined, self.local)


def locate(uri: str) -> Place:
    """The place that `uri` names: a path, `s3://…`, `gs://…`, or what else fsspec knows.

    S3's region, keys and another endpoint come from AWS' own variables and files. A path is made
    absolute, links in it stay. EmotionSlmError for what no file system here knows.
    """
    if "://" not in uri or uri.startswith("file://"):
        path = os.path.abspath(uri.removeprefix("file://"))  # noqa: PTH100 - links stay
        return Place(LocalFileSystem(), path, path, True)
    scheme, rest = uri.split("://", 1)
    bucket, _, path = rest.partition("/")
    with naming(uri):
        if scheme == "s3":
            region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
            return Place(_s3(bucket, region, endpoint), rest.rstrip("/"), uri, False)
        if scheme in OWN_SCHEMES:
            filesystem, root = _by_pyarrow(f"{scheme}://{bucket}")
            return Place(filesystem, f"{root.rstrip('/')}/{path}".rstrip("/"), uri, False)
    return _by_fsspec(uri)


@cache  # a client keeps its connections
def _s3(bucket: str, region: str | None, endpoint: str | None) -> FileSystem:
    from pyarrow.fs import S3FileSystem, resolve_s3_region

    if endpoint:
        return S3FileSystem(region=region, endpoint_override=endpoint)
    return S3FileSystem(region=region or resolve_s3_region(bucket))


@cache
def _by_pyarrow(root: str) -> tuple[FileSystem, str]:
    return FileSystem.from_uri(root)


def _by_fsspec(uri: str) -> Place:
    try:
        from fsspec.core import url_to_fs

        filesystem, path = url_to_fs(uri)
    except ModuleNotFoundError as error:
        raise EmotionSlmError(f"{uri}: needs {error.name}, which is not installed") from error
    except (ImportError, ValueError) as error:
        raise EmotionSlmError(f"{uri}: no file system for it ({error})") from error
    return Place(PyFileSystem(FSSpecHandler(filesystem)), path, uri, False)


@contextmanager
def naming(uri: str) -> Iterator[None]:
    """Tell what file systems complain of as EmotionSlmError that names `uri`."""
    try:
        yield
    except FileNotFoundError as error:
        raise EmotionSlmError(f"{uri}: no such file or folder") from error
    except (OSError, pa.ArrowException) as error:
        told = str(error).splitlines() or [type(error).__name__]
        reason = getattr(error, "strerror", None) or told[0]
        full = isinstance(error, OSError) and error.errno in NO_SPACE
        remedy = "; free some space there and run the command again" if full else ""
        raise EmotionSlmError(f"{uri}: {reason}{remedy}") from error


class Found(NamedTuple):
    """A file that a folder holds, by its path below that."""

    name: str
    size: int


def list_files(folder: Place) -> list[Found]:
    """All files below `folder`, in order of their names; none when it is not there."""
    with naming(folder.uri):
        selector = FileSelector(folder.path, allow_not_found=True, recursive=True)
        infos = folder.filesystem.get_file_info(selector)
    start = len(folder.path.rstrip("/")) + 1
    files = [info for info in infos if info.type is FileType.File]
    return sorted(Found(info.path[start:], info.size) for info in files)


def kind(place: Place) -> FileType:
    with naming(place.uri):
        return place.filesystem.get_file_info(place.path).type


def read(place: Place) -> bytes:
    with naming(place.uri), place.filesystem.open_input_stream(place.path) as stream:
        return stream.read()


def stamp(place: Place) -> tuple[str, str | None]:
    """What tells at no cost that a file may have changed, and its ETag, if its store gives one.

    Of local files the size and the time of the last change, else the ETag or the same as there.
    """
    with naming(place.uri):
        info = place.filesystem.get_file_info(place.path)
        if info.type is not FileType.File:
            raise FileNotFoundError(place.path)
        if not place.local:
            with place.filesystem.open_input_file(place.path) as stream:
                metadata = stream.metadata() or {}
            for key in ("ETag", "etag"):
                if key in metadata:
                    etag = f"{info.size} {metadata[key].decode().strip()}"
                    return etag, etag
        return f"{info.size} {info.mtime_ns}", None


def put(content: Path, place: Place) -> None:
    """Move the local file `content` to `place`, which has it whole or not at all.

    Locally it is on disk, then renamed; `content` must lie on the same file system. A store gets it
    by one write, and shows it once that is closed: were it fed by pieces, the end of a failed
    process would show those that came.
    """
    with naming(place.uri):
        if place.local:
            flush(content)
            target = Path(place.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            content.replace(target)
            flush(target.parent)
            return
        size = content.stat().st_size
        mapped = pa.memory_map(str(content)).read_buffer() if size else b""
        with place.filesystem.open_output_stream(place.path) as stream:
            stream.write(mapped)
    content.unlink()


def put_bytes(content: bytes, place: Place) -> None:
    """Write `content` to `place`, whole or not at all."""
    if not place.local:
        with naming(place.uri), place.filesystem.open_output_stream(place.path) as stream:
            stream.write(content)
        return
    target = Path(place.path)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.part")
    with naming(place.uri):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            put(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)


def delete(place: Place) -> None:
    """Delete a file, if it is there."""
    with naming(place.uri), suppress(FileNotFoundError):
        place.filesystem.delete_file(place.path)
