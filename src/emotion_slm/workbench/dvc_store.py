"""The objects that DVC keeps in its cache and in remotes, each named after its MD5.

An output that is a folder is an object too: a listing of its files, whose name ends in `.dir`.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import MOST_JSON_BYTES, require
from emotion_slm.workbench.repository import dvc

LISTING = ".dir"
MD5 = "[0-9a-f]{32}"
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
    """What a listing lists: MD5 by path in the folder; EmotionSlmError for a file that is none."""
    try:
        entries = json.loads(require(path, MOST_JSON_BYTES).read_bytes())
        files = {entry["relpath"]: entry["md5"] for entry in entries}
        sound = isinstance(entries, list) and all(
            re.fullmatch(MD5, md5) and isinstance(name, str) for name, md5 in files.items()
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        sound = False
    if not sound or len(files) < len(entries):
        raise EmotionSlmError(
            f"{path}: no listing of DVC's, of which each entry has an own relpath and an md5; "
            "fetch it again"
        )
    return files


def listing_md5(files: Iterable[tuple[str, str]]) -> str:
    """The MD5 by which DVC knows a folder, from path and MD5 of each of its files."""
    listing = [{"md5": md5, "relpath": name} for name, md5 in sorted(files)]
    return hashlib.md5(json.dumps(listing).encode()).hexdigest() + LISTING


def folder_md5(folder: Path) -> str:
    """The MD5 by which DVC knows the folder on the disk, every file of it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = (path.relative_to(folder).as_posix() for path in files)
    return listing_md5(zip(named, map(md5_file, files), strict=True))


def md5_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
