"""Bytes on disk: of each stage's outputs, of DVC's cache, of private workspaces and checkpoints."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rich.console import Group
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from emotion_slm.common.files import require
from emotion_slm.common.paths import METRICS, SCRATCH
from emotion_slm.workbench import dvc_store
from emotion_slm.workbench.dvc_lock import LOCK, parse
from emotion_slm.workbench.dvc_store import LISTING, listed, object_path

CHECKPOINTS = SCRATCH / "training"
EXPERIMENTS = Path(".dvc/tmp/exps")  # workspaces of queued experiments, kept while they run


class Output(NamedTuple):
    """A folder or file that DVC keeps: its bytes by dvc.lock, here, and in the cache.

    `linked` are those of `here` that are links into the cache and take no space of their own.
    """

    stage: str
    path: Path
    locked: int
    here: int
    linked: int
    cached: int


class Place(NamedTuple):
    """A folder besides the outputs, the bytes in it, and what it is."""

    path: Path
    size: int
    what: str


class Usage(NamedTuple):
    outputs: list[Output]
    places: list[Place]


def usage() -> Usage:
    """Of the working directory, the root of a workspace.

    EmotionSlmError without a dvc.lock, without DVC, and for a dvc.lock that cannot be read.
    """
    cache = dvc_store.cache(Path())
    objects = cache / dvc_store.OBJECTS
    outputs = [
        Output(out.stage, out.path, out.size, *_here(out.path), _cached(cache, out.md5))
        for out in parse(require(LOCK).read_bytes(), str(LOCK)).outs
        if not out.path.is_relative_to(METRICS)
    ]
    workspaces = [path for path in SCRATCH.glob("*") if path.is_dir() and path != CHECKPOINTS]
    places = [
        Place(objects, size(objects), "DVC's cache: every version of every output kept so far"),
        Place(cache / "runs", size(cache / "runs"), "DVC's run-cache: which run wrote which"),
        Place(EXPERIMENTS, size(EXPERIMENTS), "experiments in work"),
        Place(CHECKPOINTS, size(CHECKPOINTS), "checkpoints of interrupted trainings"),
        *(Place(path, size(path), "private; `make clean` deletes it") for path in workspaces),
    ]
    return Usage(outputs, [place for place in places if place.size])


def size(folder: Path) -> int:
    """Bytes of the files below a folder, or of a file; what is not there or a link has none."""
    return sum(path.lstat().st_size for path in _files(folder) if not path.is_symlink())


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return (inner for inner in path.rglob("*") if inner.is_file())


def _here(path: Path) -> tuple[int, int]:
    """Bytes of an output in the workspace, and how many of them are hard or symbolic links."""
    files = list(_files(path))
    linked = (inner for inner in files if inner.is_symlink() or inner.stat().st_nlink > 1)
    return sum(inner.stat().st_size for inner in files), sum(
        inner.stat().st_size for inner in linked
    )


def _cached(cache: Path, md5: str) -> int:
    """Bytes of an output in the cache: of a folder its files, as its listing names them."""
    path = object_path(cache, md5)
    if not path.is_file():
        return 0
    if not md5.endswith(LISTING):
        return path.stat().st_size
    return sum(size(object_path(cache, entry)) for entry in set(listed(path).values()))


def screen(usage: Usage) -> Group:
    """Outputs by stage with their sums, then the other places."""
    outputs = Table("stage", "output", title="Outputs of dvc.lock", title_justify="left")
    for name in ("size", "here", "of it linked", "in the cache"):
        outputs.add_column(name, justify="right", no_wrap=True)
    for stage, found in groupby(usage.outputs, key=lambda output: output.stage):
        for output in found:
            numbers = (output.locked, output.here, output.linked, output.cached)
            outputs.add_row(stage, Text(str(output.path), overflow="fold"), *map(bytes_of, numbers))
            stage = ""
    sums = zip(*((o.locked, o.here, o.linked, o.cached) for o in usage.outputs), strict=True)
    outputs.add_section()
    outputs.add_row("all", "", *(bytes_of(sum(numbers)) for numbers in sums))
    places = Table("place", title="Besides", title_justify="left")
    places.add_column("size", justify="right", no_wrap=True)
    places.add_column("")
    for place in usage.places:
        places.add_row(Text(str(place.path), overflow="fold"), bytes_of(place.size), place.what)
    return Group(outputs, places)


def bytes_of(number: int) -> str:
    """In powers of ten, as disks are sold; nothing as a dash."""
    return decimal(number) if number else "–"
