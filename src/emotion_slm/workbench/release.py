"""The released model: `models/classifier` in the DVC remote `release`, a folder kept in git.

`make release` (this module as a program) brings it up to date with dvc.lock. A clone then has the
trained model without an account: `dvc pull models/classifier`.
"""

from pathlib import Path

from emotion_slm.common import paths
from emotion_slm.common.console import console, fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.dvc_lock import LOCK, Output, parse
from emotion_slm.workbench.dvc_store import LISTING, is_sound, listed, object_path
from emotion_slm.workbench.repository import run_dvc

REMOTE = "release"
FOLDER = Path("release")
MOST_BYTES = 25_000_000


def locked_model(lock: Path) -> Output:
    """What dvc.lock says of the model; EmotionSlmError when it is missing or holds none."""
    found = parse(lock.read_bytes(), str(lock)).out(paths.CLASSIFIER) if lock.exists() else None
    if found is None:
        raise EmotionSlmError(f"{lock}: names no {paths.CLASSIFIER}; `dvc repro` makes it")
    return found


def expected(folder: Path, listing: str) -> dict[Path, str]:
    """The objects of a model: path in `folder` → MD5. Without a sound listing, that one alone."""
    path = object_path(folder, listing)
    objects = {path: listing.removesuffix(LISTING)}
    if is_sound(path):
        objects |= {object_path(folder, md5): md5 for md5 in listed(path).values()}
    return objects


def problems(lock: Path, folder: Path) -> list[str]:
    """What keeps `folder` from holding exactly the model of `lock`; empty when all is well."""
    model = locked_model(lock)
    objects = expected(folder, model.md5)
    found = [f"{path}: missing" for path in objects if not path.is_file()]
    found += [
        f"{path}: its content is not what its name says"
        for path in objects
        if path.is_file() and not is_sound(path)
    ]
    found += [f"{path}: not part of the model in {lock}" for path in _surplus(folder, objects)]
    size = sum(path.stat().st_size for path in _files(folder))
    if size > MOST_BYTES:
        found.append(f"{folder}: {size} bytes, more than {MOST_BYTES}")
    return found


def refresh(lock: Path, folder: Path) -> None:
    """Push the model of `lock` from DVC's cache and delete what belongs to no such model.

    EmotionSlmError, before anything is written, when the model is larger than MOST_BYTES; after
    the push, when `folder` does not hold what it should.
    """
    model = locked_model(lock)
    if model.size > MOST_BYTES:
        raise EmotionSlmError(
            f"{paths.CLASSIFIER}: {model.size} bytes, and a release is held by git: at most "
            f"{MOST_BYTES}; push it to a remote of your own"
        )
    objects = expected(folder, model.md5)
    broken = [path for path in objects if not is_sound(path)]
    if broken:  # DVC pushes no object that exists, nor any of a listing that does
        for path in [*broken, object_path(folder, model.md5)]:
            path.unlink(missing_ok=True)
    if run_dvc("push", "--remote", REMOTE, str(paths.CLASSIFIER), shown=True).returncode != 0:
        raise EmotionSlmError(
            f"{paths.CLASSIFIER} of {lock} could not be pushed, see above; `dvc repro` makes it"
        )
    for path in _surplus(folder, expected(folder, model.md5)):
        path.unlink()
    found = problems(lock, folder)
    if found:
        raise EmotionSlmError("the release is not complete:\n" + "\n".join(found))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _surplus(folder: Path, objects: dict[Path, str]) -> list[Path]:
    return [path for path in _files(folder) if path not in objects]


def main() -> None:
    try:
        refresh(LOCK, FOLDER)
    except EmotionSlmError as error:
        fail(str(error))
    size = sum(path.stat().st_size for path in _files(FOLDER))
    console.print(f"{FOLDER}/ holds {paths.CLASSIFIER} of dvc.lock, {size} bytes; commit both")


if __name__ == "__main__":
    main()
