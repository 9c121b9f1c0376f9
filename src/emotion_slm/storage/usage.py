"""Bytes on disk: of each stage's outputs, of DVC's cache, of private workspaces and checkpoints."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML, YAMLError

from emotion_slm import dvc_store
from emotion_slm.dvc_store import LISTING, LOCK, listed, object_path
from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import require
from emotion_slm.paths import METRICS, SCRATCH

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
        Output(stage, path, locked, *_here(path), _cached(cache, md5))
        for stage, path, md5, locked in _locked_outputs()
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


def _locked_outputs() -> list[tuple[str, Path, str, int]]:
    """Stage, path, MD5 and bytes of every output in dvc.lock that the cache keeps."""
    try:
        stages = YAML(typ="safe").load(require(LOCK))["stages"]
        return [
            (stage, Path(out["path"]), out["md5"], out["size"])
            for stage, content in stages.items()
            for out in content.get("outs", [])
            if not Path(out["path"]).is_relative_to(METRICS)
        ]
    except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise EmotionSlmError(
            f"{LOCK}: not a lock of DVC, `dvc repro` makes one ({error})"
        ) from error


def _cached(cache: Path, md5: str) -> int:
    """Bytes of an output in the cache: of a folder its files, as its listing names them."""
    path = object_path(cache, md5)
    if not path.is_file():
        return 0
    if not md5.endswith(LISTING):
        return path.stat().st_size
    return sum(size(object_path(cache, entry)) for entry in set(listed(path).values()))
