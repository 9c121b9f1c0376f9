"""Private workspaces: a copy of the repository's files with a DVC of its own.

The pipeline runs there without touching the repository: its committed results stay, and `git
status` stays clean.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes
from emotion_slm.workbench.repository import Ignored, git, run_dvc

# Results of the repository's own runs; a private workspace makes its own.
NOT_COPIED = ("dvc.lock", "metrics/", ".dvc/", "release/")
# What `dvc init --no-scm` and two `dvc config` would write; each starts DVC for a second.
DVC_CONFIG = b"[core]\n    no_scm = True\n    analytics = false\n    check_update = false\n"


def create(repository: Path, workspace: Path, profile: str) -> None:
    """Bring `workspace` up to date with the files of `repository`, `profile` chosen in params.yaml.

    Unchanged files are not touched, so DVC finds what is already done. The files are those git
    tracks or would track. EmotionSlmError when params.yaml is not the one of a repository.
    """
    wanted = _repository_files(repository)
    for name in wanted:
        content = (repository / name).read_bytes()
        if name == "params.yaml":
            content = _with_profile(content, profile)
        target = workspace / name
        if not target.exists() or target.read_bytes() != content:
            write_bytes(target, content)
    for folder in ("src", "stages"):
        for path in (workspace / folder).rglob("*.py"):
            if path.relative_to(workspace).as_posix() not in wanted:
                path.unlink()
    if not (workspace / ".dvc").exists():
        write_bytes(workspace / ".dvc/config", DVC_CONFIG)


def repro(workspace: Path, *arguments: str) -> None:
    """`dvc repro` in `workspace`; EmotionSlmError when a stage fails."""
    _run_dvc(workspace, "repro", *arguments)


def environment(workspace: Path) -> dict[str, str]:
    """This process's environment, with `python` and `emotion_slm` those of the workspace."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str((workspace / "src").resolve()),
    }


def _run_dvc(workspace: Path, *arguments: str) -> None:
    workspace.mkdir(parents=True, exist_ok=True)
    done = run_dvc(*arguments, folder=workspace, environment=environment(workspace), shown=True)
    if done.returncode != 0:
        raise EmotionSlmError(
            f"`dvc {' '.join(arguments)}` failed in {workspace}; see above. Run it again; "
            "to start afresh, delete that folder"
        )


def _repository_files(repository: Path) -> set[str]:
    """Files that git tracks or would track; in a download without git, that .gitignore lets be."""
    try:
        listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = git("-C", str(repository), *listing).split("\0")
    except EmotionSlmError:
        names = _not_ignored(repository)
    return {
        name
        for name in names
        if name and not name.startswith(NOT_COPIED) and (repository / name).is_file()
    }


def _not_ignored(repository: Path) -> Iterator[str]:
    path = repository / ".gitignore"
    ignored = Ignored(path.read_bytes() if path.exists() else b"")
    for place, folders, files in os.walk(repository):
        here = Path(place).relative_to(repository)
        folders[:] = [name for name in folders if not ignored.folder(here / name)]
        yield from ((here / name).as_posix() for name in files if not ignored(here / name))


def _with_profile(params: bytes, profile: str) -> bytes:
    text, replaced = re.subn(r"(?m)^profile: \S+", f"profile: {profile}", params.decode())
    if replaced != 1:
        raise EmotionSlmError("params.yaml: expected exactly one line `profile: NAME`")
    return text.encode()
