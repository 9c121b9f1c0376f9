"""The two sides of a review: a commit, and the working tree."""

import json
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.commands import git


class WorkingTree:
    """The files as they lie in the working directory."""

    name = "working tree"

    def read(self, path: Path) -> bytes | None:
        """Content of a file, None if there is none."""
        return path.read_bytes() if path.is_file() else None

    def names(self, folder: Path) -> set[str]:
        """Names of the files of a folder, none if there is no such folder."""
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


class Commit:
    """The files of a git commit, those that DVC keeps included."""

    def __init__(self, name: str, commit: str) -> None:
        from dvc.api import DVCFileSystem

        self.name, self.commit = name, commit
        self._files = DVCFileSystem(rev=commit)

    def read(self, path: Path) -> bytes | None:
        """Content of a file, None if there is none."""
        name = path.as_posix()
        return self._files.read_bytes(name) if self._files.isfile(name) else None

    def names(self, folder: Path) -> set[str]:
        """Names of the files of a folder, none if there is no such folder."""
        name = folder.as_posix()
        if not self._files.isdir(name):
            return set()
        return {Path(entry).name for entry in self._files.ls(name, detail=False)}


Side = Commit | WorkingTree


class State(NamedTuple):
    """Where the working tree stands: the commit checked out, and what differs from it."""

    commit: str
    uncommitted: list[str]


def find(revision: str) -> Commit:
    """The commit that `revision` names.

    EmotionSlmError outside git, without DVC, or when git knows no such commit.
    """
    _require_git()
    try:
        commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    except EmotionSlmError:
        raise EmotionSlmError(
            f"{revision!r}: git knows no such commit; `git branch --all` and `git tag` list names, "
            "`git fetch` brings those of the remote"
        ) from None
    return Commit(revision, commit)


def state() -> State:
    """Of the working directory, which must be the root of the repository."""
    lines = git("status", "--porcelain", "-z", "--no-renames").split("\0")
    return State(git("rev-parse", "HEAD").strip(), sorted(line[3:] for line in lines if line))


def read_json(side: Side, path: Path) -> dict | None:
    """A JSON object, None if there is no such file; EmotionSlmError when it is not one."""
    content = side.read(path)
    if content is None:
        return None
    try:
        value = json.loads(content)
    except ValueError as error:
        raise EmotionSlmError(f"{path} of {side.name}: not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise EmotionSlmError(f"{path} of {side.name}: not a JSON object")
    return value


def _require_git() -> None:
    try:
        root = Path(git("rev-parse", "--show-toplevel").strip())
    except EmotionSlmError:
        raise EmotionSlmError(f"{Path.cwd()}: not a git repository; clone it with git") from None
    if root.resolve() != Path.cwd().resolve():
        raise EmotionSlmError(f"run this in the root of the repository, {root}")
    if not Path("dvc.yaml").is_file():
        raise EmotionSlmError(f"{root}: no dvc.yaml; this is not the repository of a pipeline")
