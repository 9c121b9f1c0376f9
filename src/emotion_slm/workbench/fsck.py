"""Whether dvc.lock, DVC's cache and the pipeline's outputs hold what they should, byte by byte.

DVC does not look again at an object of its cache once it is read-only, nor at an output whose size
and time have not changed, and it writes dvc.lock and its list of locks in place: a flipped bit goes
unseen, and a kill or a full disk can leave either file cut off. `emotion-slm fsck` finds all this.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.lock import exclusive
from emotion_slm.common.paths import SCRATCH
from emotion_slm.workbench import dvc_store
from emotion_slm.workbench.dvc_lock import LOCK, parse
from emotion_slm.workbench.dvc_store import (
    LISTING,
    is_sound,
    listed,
    md5_file,
    named,
    object_path,
)
from emotion_slm.workbench.repository import LOCKS

RUNS = Path("runs")  # in a cache: a folder per stage and inputs
READ_ONLY = 0o444  # how DVC marks an object as whole
SET_ASIDE = SCRATCH / "damaged"
TEMPORARY = r"\.[\w-]{22}\.tmp"  # DVC's names for what it is about to bring to its place
LEFT = "left by a killed process"


class Finding(NamedTuple):
    """What is wrong with `path`. `repair` puts it right, and returns what it did."""

    path: Path
    problem: str
    repair: Callable[[], str]


class Result(NamedTuple):
    """Damage found, and how many objects of the cache and files of outputs were read."""

    findings: list[Finding]
    objects: int
    outputs: int


@contextmanager
def idle(root: Path) -> Iterator[None]:
    """Keep DVC and the stages out of the workspace `root`.

    EmotionSlmError when one of them is at work there, or an experiment in a folder of its own, or
    `root` is not a DVC repository.
    """
    dvc_store.require_workspace(root)
    refuse_experiments(root)
    with exclusive(root / ".dvc/tmp/lock"), exclusive(root / SCRATCH / "stage.lock"):
        yield


def refuse_experiments(root: Path) -> None:
    """EmotionSlmError when a queued experiment of the workspace `root` is at work: it has locks of
    its own and writes to the same cache."""
    for folder in root.glob(".dvc/tmp/exps/*/.dvc"):
        raise EmotionSlmError(
            f"{folder.parent}: an experiment is at work there; wait for it, or delete that folder "
            "if `dvc queue status` shows none running"
        )


def check(root: Path) -> Result:
    """Read everything in the workspace `root` that DVC answers for; nothing may be at work there.

    Outputs that are not there, and those whose listing is not in the cache, are passed over.
    EmotionSlmError when DVC cannot tell where its cache is.
    """
    cache = dvc_store.cache(root)
    findings = [
        *_cut_off(root / LOCK, _lock, _setting_aside(root, LOCK)),
        *_cut_off(root / LOCKS, _json, _deleting(root / LOCKS)),
    ]
    wanted = {} if any(f.path == root / LOCK for f in findings) else _outputs(root, cache)
    found = {path: md5_file(path) for path in wanted if path.is_file()}
    sound = {found[path]: path for path in found if found[path] == wanted[path]}
    inside = (cache / dvc_store.OBJECTS).glob("[0-9a-f][0-9a-f]/*")
    objects = {path: named(path) for path in sorted(inside)}
    for path, name in objects.items():
        if not re.fullmatch(r"[0-9a-f]{32}", name):
            findings.append(Finding(path, LEFT, _deleting(path)))
        elif not is_sound(path):
            repair = _restoring(path, sound[name]) if name in sound else _deleting(path)
            findings.append(Finding(path, "is not what its name says", repair))
    for path in _unfinished(cache / RUNS):
        problem = "an unfinished entry of the run-cache, at which `dvc repro` fails"
        findings.append(Finding(path, problem, _deleting(path)))
    for folder in sorted({folder for path in wanted for folder in path.parents}):
        if folder.is_relative_to(root):
            beside = sorted(folder.glob(".*.tmp"))
            beside = [path for path in beside if re.fullmatch(TEMPORARY, path.name)]
            findings += [Finding(path, LEFT, _deleting(path)) for path in beside]
    damaged = {finding.path for finding in findings}
    whole = {name for path, name in objects.items() if path not in damaged}
    for path, md5 in found.items():
        if md5 != wanted[path]:
            kept = ", which DVC's cache holds" if wanted[path] in whole else ""
            repair = _setting_aside(root, path.relative_to(root))
            findings.append(Finding(path, f"is not what dvc.lock names{kept}", repair))
    return Result(findings, len(objects), len(found))


def _unfinished(runs: Path) -> Iterator[Path]:
    """What a kill left in the run-cache: folders in which no run is whole, and files beside one."""
    for folder in sorted(path for path in runs.glob("*/*") if path.is_dir()):
        found = sorted(folder.iterdir())
        cut_off = [path for path in found if not re.fullmatch(r"[0-9a-f]{64}", path.name)]
        yield from cut_off if len(cut_off) < len(found) else [folder]


def _lock(content: bytes) -> object:
    return parse(content, str(LOCK))


def _json(content: bytes) -> dict:
    return dict(json.loads(content))


def _cut_off(
    path: Path, read: Callable[[bytes], object], repair: Callable[[], str]
) -> Iterator[Finding]:
    if path.exists():
        try:
            read(path.read_bytes())
        except (EmotionSlmError, ValueError, TypeError):
            yield Finding(path, "cut off or garbled", repair)


def _outputs(root: Path, cache: Path) -> dict[Path, str]:
    """Path → MD5 of every file that dvc.lock names, one by one."""
    files: dict[Path, str] = {}
    if not (root / LOCK).exists():
        return files
    for out in parse((root / LOCK).read_bytes(), str(LOCK)).outs:
        place, listing = root / out.path, object_path(cache, out.md5)
        if not out.md5.endswith(LISTING):
            files |= {place: out.md5} if out.md5 else {}
        elif is_sound(listing):
            files |= {place / path: entry for path, entry in listed(listing).items()}
    return files


def _setting_aside(root: Path, name: Path) -> Callable[[], str]:
    """For what a person may have edited, which looks like damage."""

    def move() -> str:
        place = root / SET_ASIDE / name
        with writing(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(root / name, place)
        return f"moved to {SET_ASIDE / name}"

    return move


def _deleting(path: Path) -> Callable[[], str]:
    def delete() -> str:
        with writing(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return "deleted"

    return delete


def _restoring(path: Path, source: Path) -> Callable[[], str]:
    def restore() -> str:
        with writing(path):
            temporary = path.with_name(f"{path.name}.part")
            shutil.copyfile(source, temporary)
            temporary.chmod(READ_ONLY)
            temporary.replace(path)
        return f"written anew from {source}"

    return restore
