"""The released model: one `models/classifier`, kept by git in release/, laid out as a DVC remote.

`make release` (this module as a program) brings it up to date with dvc.lock. Anybody can then have
the model without an account and without DVC: `emotion-slm pull`, from a clone or from a URL.
"""

import resource
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion_slm.common import paths
from emotion_slm.common.console import console, fail
from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.files import atomic_path, read_json
from emotion_slm.common.params import plain
from emotion_slm.package.config import CARD, CONFIG
from emotion_slm.package.config import MOST_BYTES as PACKAGE_FILES
from emotion_slm.package.public import without_paths
from emotion_slm.workbench.dvc_lock import LOCK, Output, parse
from emotion_slm.workbench.dvc_store import (
    LISTING,
    OBJECTS,
    cache,
    is_sound,
    listed,
    named,
    object_path,
)

FOLDER = Path("release")
MOST_BYTES = 25_000_000
CLONE_SECONDS = 600
MOST_CLONED_BYTES = 2**30  # of one file of a clone, where the server sends more than release/
SHOWN = 20  # problems
MOST_WORDS = 1000  # of what git says, in characters


def locked_model(lock: Path) -> Output:
    """What dvc.lock says of the model; EmotionSlmError when it is missing or holds none."""
    found = parse(lock.read_bytes(), str(lock)).out(paths.CLASSIFIER) if lock.exists() else None
    if found is None:
        raise EmotionSlmError(f"{lock}: names no {paths.CLASSIFIER}; `dvc repro` makes it")
    return found


def released_model(folder: Path) -> str:
    """The MD5 of the one model in `folder`, `.dir` included; EmotionSlmError unless it is one."""
    found = sorted((folder / OBJECTS).glob(f"*/*{LISTING}"))
    if len(found) != 1:
        raise EmotionSlmError(f"{folder}: holds {len(found)} models, and a release is one")
    return named(found[0]) + LISTING


def objects_of(store: Path, md5: str) -> dict[Path, str]:
    """The objects of a model: path in `store` → MD5. Without a sound listing, that one alone."""
    path = object_path(store, md5)
    objects = {path: md5.removesuffix(LISTING)}
    if is_sound(path):
        objects |= {object_path(store, found): found for found in listed(path).values()}
    return objects


def problems(folder: Path) -> list[str]:
    """What keeps `folder` from holding exactly one model, whole; empty when all is well.

    What is too large to be a release, or no file, is not read.
    """
    odd = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not (path.is_file() or path.is_dir())
    ]
    if odd:
        return [f"{path}: no file, but a link, pipe or device" for path in odd[:SHOWN]]
    size = sum(path.stat().st_size for path in _files(folder))
    if size > MOST_BYTES:
        return [f"{folder}: {size} bytes, more than {MOST_BYTES}"]
    try:
        objects = objects_of(folder, released_model(folder))
    except EmotionSlmError as error:
        return [str(error)]
    found = [f"{path}: missing" for path in objects if not path.is_file()]
    found += [
        f"{path}: its content is not what its name says"
        for path in objects
        if path.is_file() and not is_sound(path)
    ]
    found += [f"{path}: not part of the model" for path in _files(folder) if path not in objects]
    return found[:SHOWN]


def refresh(lock: Path, folder: Path, store: Path) -> None:
    """Copy the model of `lock` from the cache `store`; delete what belongs to no such model.

    EmotionSlmError, before anything is written, when the model is larger than MOST_BYTES, when the
    cache does not hold it whole, and when it names a folder of this machine.
    """
    model = locked_model(lock)
    if model.size > MOST_BYTES:
        raise EmotionSlmError(
            f"{paths.CLASSIFIER}: {model.size} bytes, and a release is held by git: at most "
            f"{MOST_BYTES}; push it to a remote of your own"
        )
    sources = objects_of(store, model.md5)
    broken = [path for path in sources if not is_sound(path)]
    if broken:
        raise EmotionSlmError(
            f"{broken[0]}: {paths.CLASSIFIER} of {lock} is not whole in DVC's cache; `dvc repro` "
            "makes it"
        )
    _refuse_paths(store, model.md5)
    for source in sources:
        target = folder / source.relative_to(store)
        if not is_sound(target):
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
    kept = {folder / source.relative_to(store) for source in sources}
    for path in _files(folder):
        if path not in kept:
            path.unlink()


def _refuse_paths(store: Path, md5: str) -> None:
    """EmotionSlmError for a model that would tell everybody, for ever, a path of this machine."""
    config = listed(object_path(store, md5)).get(CONFIG)
    content = read_json(object_path(store, config)) if config else {}
    if without_paths(content) != content:
        raise EmotionSlmError(
            f"{paths.CLASSIFIER}/{CONFIG}: names a folder of this machine, which a release would "
            "publish; give the base model by its name on the hub or by a path relative to the "
            "project, and run `dvc repro`"
        )


def fetch(source: str, output: Path, revision: str | None = None) -> None:
    """Write the model released in a repository into the new folder `output`, every file verified.

    `source`: a folder of the project, or what `git clone` takes; `revision`: a branch or tag of
    it. EmotionSlmError when `output` holds something, when the repository cannot be had or has no
    whole release.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise EmotionSlmError(f"{output}: exists already; remove it, or name another with --output")
    local = Path(source) / FOLDER
    if local.is_dir() and revision is None:
        _copy_out(local, output)
        return
    with TemporaryDirectory() as clone:
        _clone(source, Path(clone), revision)
        _copy_out(Path(clone) / FOLDER, output)


def _copy_out(folder: Path, output: Path) -> None:
    found = problems(folder)
    if found:
        raise EmotionSlmError("the release is not whole:\n" + "\n".join(found))
    files = listed(object_path(folder, released_model(folder)))
    for name in files:
        if name not in (CONFIG, CARD, *PACKAGE_FILES):
            raise EmotionSlmError(
                f"{folder}: lists {plain(name)}, which is no plain file name that a package has; "
                "refused"
            )
    if CONFIG not in files:
        raise EmotionSlmError(f"{folder}: lists no {CONFIG}, so it is no model; refused")
    output.parent.mkdir(parents=True, exist_ok=True)
    with writing(output), TemporaryDirectory(dir=output.parent) as unfinished:
        whole = Path(unfinished) / "model"
        whole.mkdir()
        for name, md5 in files.items():
            shutil.copyfile(object_path(folder, md5), whole / name)
        if output.exists():
            output.rmdir()
        whole.rename(output)


def _clone(source: str, folder: Path, revision: str | None) -> None:
    """The newest files of release/ alone, without history, and of a server without the rest."""
    named_revision = ["--branch", revision] if revision else []
    options = ["--depth", "1", "--filter=blob:none", "--sparse", "--no-tags", *named_revision]
    options += ["--config", "core.symlinks=false"]  # no link leads out of the clone
    if Path(source).exists():
        source = Path(source).resolve().as_uri()
    commands = [
        ["git", "clone", "--quiet", *options, "--", source, str(folder)],
        ["git", "-C", str(folder), "sparse-checkout", "set", FOLDER.as_posix()],
    ]
    for command in commands:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=CLONE_SECONDS,
                preexec_fn=_bound_files,
            )
        except FileNotFoundError:
            raise EmotionSlmError("git: not installed; install it, or download release/") from None
        except subprocess.TimeoutExpired:
            raise EmotionSlmError(f"{source}: no answer in {CLONE_SECONDS} s") from None
        if done.returncode != 0:
            reason = done.stderr.strip()[-MOST_WORDS:] or f"status {done.returncode}"
            raise EmotionSlmError(f"{source}: git could not clone it ({reason})")
    if not (folder / FOLDER).is_dir():
        raise EmotionSlmError(f"{source}: has no {FOLDER}/, so no released model")


def _bound_files() -> None:
    """In the process of git: it ends at a file beyond MOST_CLONED_BYTES, as a small one may unpack
    to."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_CLONED_BYTES, MOST_CLONED_BYTES))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def main() -> None:
    try:
        refresh(LOCK, FOLDER, cache(Path()))
        found = problems(FOLDER)
    except EmotionSlmError as error:
        fail(str(error))
    if found:
        fail("the release is not whole:\n" + "\n".join(found))
    size = sum(path.stat().st_size for path in _files(FOLDER))
    console.print(f"{FOLDER}/ holds {paths.CLASSIFIER} of dvc.lock, {size} bytes; commit both")


if __name__ == "__main__":
    main()
