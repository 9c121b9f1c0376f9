"""The commits whose dvc.lock holds a model, and whether code and parameters there made it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import MOST_JSON_BYTES, require
from emotion_slm.package.config import MOST_BYTES
from emotion_slm.workbench.dvc_lock import LOCK, Lock, other_code, read_lock, section_of
from emotion_slm.workbench.dvc_store import folder_md5
from emotion_slm.workbench.lineage_evidence import Evidence, Verdict
from emotion_slm.workbench.repository import Commit, Side, WorkingTree, git

NAMED = 3  # files that differ, named in a line
# All but stashes and DVC's experiments, which nobody else has.
PUBLIC = ("--branches", "--remotes", "--tags", "HEAD")


class Holder(NamedTuple):
    """A commit that wrote a dvc.lock; `tags` are those whose dvc.lock is the same file."""

    commit: str
    date: str
    subject: str
    tags: list[str]


def holding(md5: str) -> list[Holder]:
    """Commits of branches and tags that wrote a dvc.lock with the output `md5`, the oldest first.

    Empty outside git and where the history here, of a shallow clone for one, has none.
    """
    try:
        lines = git("log", *PUBLIC, "--reverse", "--format=%H%x00%cs%x00%s", "--", str(LOCK))
        tags = _tags_by_lock()
        return [
            Holder(commit, date, subject, tags[blob])
            for commit, date, subject in (line.split("\0") for line in lines.split("\n")[:-1])
            if (blob := _lock_of(commit)) and md5 in git("cat-file", "blob", blob)
        ]
    except EmotionSlmError:  # not a git repository, or one without commits
        return []


def commit_of(folder: Path) -> str | None:
    """The oldest commit whose dvc.lock holds the model in `folder`; EmotionSlmError as
    `package_md5`."""
    found = holding(package_md5(folder))
    return found[0].commit if found else None


def package_md5(folder: Path) -> str:
    """The MD5 by which DVC knows the package in `folder`.

    EmotionSlmError for a file larger than one of a package can be, whose hash might take hours.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            require(path, MOST_BYTES.get(path.name, MOST_JSON_BYTES))
    return folder_md5(folder)


def maker(holders: list[Holder], md5: str) -> tuple[Side, Lock, Evidence] | None:
    """The first commit that holds the model and whose own code is the one its lock names.

    Where none is, the first that holds the model, with what differs. Without any commit the working
    tree stands in, if its dvc.lock holds the model; None if it does not.
    """
    found = None
    for side in _sides(holders):
        lock = read_lock(side)
        if lock is None or md5 not in (out.md5 for out in lock.outs):
            continue
        evidence = code(side, lock)
        if evidence.verdict is Verdict.VERIFIED:
            return side, lock, evidence
        found = found or (side, lock, evidence)
    return found


def code(side: Side, lock: Lock) -> Evidence:
    """Whether the source files of `side` are those that its dvc.lock says the stages ran."""
    other = list(map(str, other_code(side, lock)))
    claim = f"code: {len(lock.code)} files and folders"
    if not other:
        return Evidence(claim, Verdict.VERIFIED, f"those of {side.name} are the ones dvc.lock ran")
    names = ", ".join(other[:NAMED]) + (", …" if len(other) > NAMED else "")
    return Evidence(claim, Verdict.DIFFERS, f"in {side.name} {len(other)} are not: {names}")


def parameters(recorded: Mapping[str, Any], side: Side, lock: Lock) -> Evidence:
    """Whether the package records the parameters with which dvc.lock says it was made."""
    other = [
        key for key, value in recorded.items() if lock.settings.get(section_of(key)) != [value]
    ]
    claim = f"{len(recorded)} sections of params"
    if not other:
        return Evidence(claim, Verdict.VERIFIED, f"dvc.lock of {side.name} has the same")
    return Evidence(claim, Verdict.DIFFERS, f"dvc.lock of {side.name} differs: {', '.join(other)}")


def _sides(holders: list[Holder]) -> Iterator[Side]:
    for holder in holders:
        yield Commit(holder.commit[:9], holder.commit)
    if not holders:
        yield WorkingTree()


def _lock_of(revision: str) -> str | None:
    """Hash of dvc.lock as git stores it, by which equal ones are known."""
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}:./{LOCK}").strip()
    except EmotionSlmError:  # this commit deleted it, or this tag is older
        return None


def _tags_by_lock() -> defaultdict[str, list[str]]:
    tags = defaultdict(list)
    for tag in git("tag", "--list", "--sort=creatordate").splitlines():
        if blob := _lock_of(f"refs/tags/{tag}"):
            tags[blob].append(tag)
    return tags
