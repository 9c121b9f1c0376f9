"""The files that INPUT… names: files, globs, folders and prefixes of object stores."""

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from pyarrow.fs import FileType

from emotion_slm.bulk.storage import Place, kind, list_files, locate
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import COMPRESSED, SUFFIXES

MAGIC = "*?["


class Inputs(NamedTuple):
    """The files to read, by their names, and how many in folders have no known suffix."""

    uris: list[str]
    skipped: int


def find_inputs(given: Sequence[str], any_suffix: bool) -> Inputs:
    """The files that `given` name, each once, in order of their names.

    In folders, and below them, files and folders whose names begin with a dot or an underscore are
    no data, as Spark and Arrow have it; of the others those with a known suffix are taken, all with
    `any_suffix`. EmotionSlmError for a name, glob or folder that no file comes of.
    """
    found: set[str] = set()
    skipped = 0
    for uri in given:
        place = locate(uri)
        if _has_magic(uri) and kind(place) is FileType.NotFound:
            files, others = _matching(place), 0
        elif kind(place) is FileType.File:
            files, others = [place.uri], 0
        else:
            files, others = _below(place, any_suffix)
        if not files:
            raise EmotionSlmError(_nothing(place, others))
        found.update(files)
        skipped += others
    return Inputs(sorted(found), skipped)


def check_apart(given: Sequence[str], inputs: Inputs, output: Place) -> None:
    """EmotionSlmError when outputs would be read as inputs, or lie among them."""
    out = _real(output)
    for uri in given:
        place = locate(uri)
        if _has_magic(uri) and kind(place) is FileType.NotFound:
            read_again = _fits(output.path.split("/"), place.path.split("/")[:-1])
        else:
            read_again = _within(out, _real(place))
        if read_again:
            raise EmotionSlmError(
                f"{output.uri}: lies in the input {uri}; give another folder with -o"
            )
    for uri in inputs.uris:
        if _within(_real(locate(uri)), out):
            raise EmotionSlmError(
                f"{output.uri}: holds the input {uri}; give another folder with -o"
            )


def _matching(place: Place) -> list[str]:
    """Files that a glob names; `*` stops at a slash, `**` is no more than it."""
    parts = place.path.split("/")
    fixed = next(number for number, part in enumerate(parts) if _has_magic(part))
    rest = "/".join(parts[fixed:])
    start = place.uri.removesuffix(rest).rstrip("/") or "/"
    folder = locate(start)
    return [
        (folder / file.name).uri
        for file in list_files(folder)
        if _fits(file.name.split("/"), parts[fixed:])
    ]


def _fits(name: list[str], pattern: list[str]) -> bool:
    return len(name) == len(pattern) and all(map(fnmatchcase, name, pattern))


def _below(folder: Place, any_suffix: bool) -> tuple[list[str], int]:
    data = [
        file.name
        for file in list_files(folder)
        if not any(part.startswith((".", "_")) for part in file.name.split("/"))
    ]
    known = [name for name in data if any_suffix or has_known_suffix(name)]
    return [(folder / name).uri for name in known], len(data) - len(known)


def has_known_suffix(name: str) -> bool:
    path = PurePosixPath(name)
    packed = path.suffix.lower() in COMPRESSED
    return (PurePosixPath(path.stem) if packed else path).suffix.lower() in SUFFIXES


def _nothing(place: Place, others: int) -> str:
    if others:
        return (
            f"{place.uri}: {others} files there, none with a known suffix; name their format with "
            "--format"
        )
    if _has_magic(place.uri):
        return f"{place.uri}: no file of such a name"
    if place.local and kind(place) is FileType.NotFound:
        return f"{place.uri}: no such file or folder"
    return f"{place.uri}: nothing to score there"


def _real(place: Place) -> str:
    """A name that two places share only if they are one."""
    if place.local:
        return os.path.realpath(place.path)
    return f"{place.filesystem.type_name}:{place.path}".rstrip("/")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _has_magic(text: str) -> bool:
    return any(character in text for character in MAGIC)
