"""What DVC keeps: dvc.lock, and objects in its cache and in remotes, each named after its MD5.

An output that is a folder is an object too: a listing of its files, whose name ends in `.dir`.
"""

import hashlib
import json
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.commands import dvc

LOCK = Path("dvc.lock")
LISTING = ".dir"
OBJECTS = Path("files/md5")  # in a cache or a remote


def cache(root: Path) -> Path:
    """The cache of the workspace `root`, which several may share and which may lie anywhere.

    EmotionSlmError when `root` is no workspace of DVC, or DVC cannot tell.
    """
    require_workspace(root)
    path, inside = Path(dvc("--cd", str(root), "cache", "dir").strip()), root.resolve()
    return root / path.relative_to(inside) if path.is_relative_to(inside) else root / path


def require_workspace(root: Path) -> None:
    """EmotionSlmError when `root` is not a workspace of DVC."""
    if not (root / ".dvc").is_dir():
        raise EmotionSlmError(
            f"{root.resolve()}: not a DVC workspace; run this in the project's root"
        )


def object_path(store: Path, md5: str) -> Path:
    """Where a cache or a remote keeps the object `md5`, a listing's with its ending."""
    return store / OBJECTS / md5[:2] / md5[2:]


def named(path: Path) -> str:
    """The MD5 that an object's path says."""
    return path.parent.name + path.name.removesuffix(LISTING)


def is_sound(path: Path) -> bool:
    """Whether an object is there and is what its name says."""
    return path.is_file() and md5_file(path) == named(path)


def listed(path: Path) -> dict[str, str]:
    """What a listing lists: MD5 by path in the folder."""
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_bytes())}


def md5_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
