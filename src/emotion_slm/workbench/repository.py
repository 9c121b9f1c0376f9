"""git and DVC: their commands, whose output is read, and the files of a commit or working tree."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError

LOCKS = Path(
    ".dvc/tmp/rwlock"
)  # of each path that DVC reads or writes: the process and its command


def git(*arguments: str) -> str:
    """Standard output of `git` in the working directory; EmotionSlmError when it fails."""
    return _git(*arguments).decode(errors="replace")


def dvc(*arguments: str) -> str:
    """Standard output of this environment's `dvc`; EmotionSlmError when it fails."""
    return output(run_dvc(*arguments), *arguments)


def run_dvc(
    *arguments: str,
    folder: Path = Path(),
    environment: dict[str, str] | None = None,
    shown: bool = False,
) -> subprocess.CompletedProcess[str]:
    """This environment's `dvc`, run to its end in `folder`; `shown`: on the terminal, not read."""
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=environment,
        capture_output=not shown,
        text=True,
        check=False,
    )


def output(done: subprocess.CompletedProcess[str], *arguments: str) -> str:
    """Standard output of a `dvc` that was run; EmotionSlmError when it failed."""
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"status {done.returncode}"
        raise EmotionSlmError(f"`dvc {' '.join(arguments)}` failed: {said}")
    return done.stdout


def _git(*arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise EmotionSlmError("git: not installed; install it, and clone the project") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise EmotionSlmError(f"`git {' '.join(arguments)}` failed: {said}")
    return done.stdout


class WorkingTree:
    """The files as they lie in the working directory."""

    name = "working tree"

    def read(self, path: Path) -> bytes | None:
        """Content of a file, None if there is none."""
        return path.read_bytes() if path.is_file() else None

    def below(self, folder: Path) -> list[Path]:
        """The files below a folder, sorted; none if there is no such folder."""
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def md5s(self, files: Sequence[Path]) -> list[str]:
        """The MD5 of each file."""
        return [hashlib.md5(path.read_bytes()).hexdigest() for path in files]


class Commit:
    """The files that git keeps of a commit, below the working directory; nothing is checked out."""

    def __init__(self, name: str, commit: str) -> None:
        self.name, self.commit = name, commit

    @cached_property
    def _blobs(self) -> dict[Path, str]:
        """git's name of each file's content."""
        lines = git("ls-tree", "-r", "-z", self.commit).split("\0")
        entries = (line.split("\t", 1) for line in lines if line)
        return {Path(path): entry.split()[2] for entry, path in entries}

    def read(self, path: Path) -> bytes | None:
        """Content of a file, None if there is none."""
        blob = self._blobs.get(path)
        return None if blob is None else _git("cat-file", "blob", blob)

    def below(self, folder: Path) -> list[Path]:
        """The files below a folder, sorted; none if there is no such folder."""
        return sorted(path for path in self._blobs if folder in path.parents)

    def md5s(self, files: Sequence[Path]) -> list[str]:
        """The MD5 of each file."""
        names = "".join(f"{self._blobs[path]}\n" for path in files)
        rest, found = _git("cat-file", "--batch", stdin=names.encode()), []
        while rest:  # `<name> blob <size>`, a line feed, the content, a line feed
            head, rest = rest.split(b"\n", 1)
            size = int(head.split()[2])
            found.append(hashlib.md5(rest[:size]).hexdigest())
            rest = rest[size + 1 :]
        return found


Side = Commit | WorkingTree


class State(NamedTuple):
    """Where the working tree stands: the commit checked out, and what differs from it."""

    commit: str
    uncommitted: list[str]


def find(revision: str) -> Commit:
    """The commit that `revision` names, in a repository whose root is the working directory.

    EmotionSlmError outside git, without DVC, or when git knows no such commit.
    """
    try:
        root = Path(git("rev-parse", "--show-toplevel").strip())
    except EmotionSlmError:
        raise EmotionSlmError(
            f"{Path.cwd()}: not a git repository, so it has no other revision to compare with; "
            "clone it with git"
        ) from None
    if not Path("dvc.yaml").is_file():
        raise EmotionSlmError(f"{root}: no dvc.yaml; this is not the repository of a pipeline")
    try:
        commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    except EmotionSlmError:
        raise EmotionSlmError(
            f"{revision!r}: git knows no such commit; `git branch --all` and `git tag` list names, "
            "`git fetch` brings those of the remote"
        ) from None
    return Commit(revision, commit)


def state() -> State:
    """Of the working directory; paths are relative to the root of the repository."""
    lines = git("status", "--porcelain", "-z", "--no-renames").split("\0")
    return State(git("rev-parse", "HEAD").strip(), sorted(line[3:] for line in lines if line))


def missing_commits(base: Commit) -> int:
    """How many commits `base` has that the commit checked out lacks."""
    return int(git("rev-list", "--count", f"HEAD..{base.commit}"))


class Ignored:
    """Which paths a .gitignore or .dvcignore, given its content, passes over; as DVC reads both."""

    def __init__(self, content: bytes) -> None:
        from dvc.ignore import DvcIgnorePatterns

        lines = [line.strip() for line in content.decode().splitlines()]
        self._patterns = DvcIgnorePatterns([x for x in lines if x and x[0] != "#"], "", "/")

    def __call__(self, path: Path) -> bool:
        """Whether the file `path`, or a folder that it lies in, is passed over."""
        return any(map(self.folder, list(path.parents)[:-1])) or self._matches(path, False)

    def folder(self, path: Path) -> bool:
        return self._matches(path, True)

    def _matches(self, path: Path, is_folder: bool) -> bool:
        return self._patterns.matches("", path.as_posix(), is_folder)
