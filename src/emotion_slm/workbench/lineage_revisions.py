"""The git revisions whose dvc.lock holds a model, and the code and parameters recorded there."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML, YAMLError

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import PARAMS
from emotion_slm.workbench.commands import git
from emotion_slm.workbench.dvc_store import LOCK
from emotion_slm.workbench.lineage_evidence import Evidence, Verdict, dvc_hash
from emotion_slm.workbench.revisions import Commit, Side, WorkingTree

NAMED = 3  # files that differ, named in a line
# All but stashes and DVC's experiments, which nobody else has.
PUBLIC = ("--branches", "--remotes", "--tags", "HEAD")


class Revision(NamedTuple):
    """A commit that wrote a dvc.lock; `tags` are those whose dvc.lock is the same file."""

    commit: str
    date: str
    subject: str
    tags: list[str]


class Locked(NamedTuple):
    """What a dvc.lock says: hash by output, hash by source file, value by parameter."""

    outs: dict[str, str]
    code: dict[str, set[str]]
    parameters: dict[str, Any]


def holding(md5: str) -> list[Revision]:
    """Commits of branches and tags that wrote a dvc.lock with the output `md5`, the oldest first.

    Empty outside git and where the history here, of a shallow clone for one, has none.
    """
    try:
        lines = git("log", *PUBLIC, "--reverse", "--format=%H%x00%cs%x00%s", "--", str(LOCK))
        tags = _tags_by_lock()
        return [
            Revision(commit, date, subject, tags[blob])
            for commit, date, subject in (line.split("\0") for line in lines.splitlines())
            if (blob := _lock_of(commit)) and md5 in git("cat-file", "blob", blob)
        ]
    except EmotionSlmError:  # not a git repository, or one without commits
        return []


def commit_of(folder: Path) -> str | None:
    """The oldest commit whose dvc.lock holds the model in `folder`."""
    found = holding(dvc_hash(folder))
    return found[0].commit if found else None


def read_lock(side: Side) -> Locked | None:
    """dvc.lock of a commit or of the working tree; None if there is none.

    EmotionSlmError when it is not one.
    """
    content = side.read(LOCK)
    if content is None:
        return None
    try:
        stages = YAML(typ="safe").load(content.decode())["stages"].values()
        outs = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
        code = defaultdict(set)
        for stage in stages:
            for dep in stage.get("deps", []):
                if dep["path"].endswith(".py"):
                    code[dep["path"]].add(dep["md5"])
        parameters = {}
        for stage in stages:
            parameters |= stage.get("params", {}).get(PARAMS.as_posix(), {})
    except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise EmotionSlmError(f"{LOCK} of {side.name}: not a lock of DVC ({error})") from error
    return Locked(outs, dict(code), parameters)


def maker(revisions: list[Revision], md5: str) -> tuple[Side, Locked, Evidence] | None:
    """The first revision that holds the model and whose own code is the one its lock names.

    Where none is, the first that holds the model, with what differs. Without any commit the working
    tree stands in, if its dvc.lock holds the model; None if it does not.
    """
    found = None
    for side in _sides(revisions):
        locked = read_lock(side)
        if locked is None or md5 not in locked.outs.values():
            continue
        evidence = code(side, locked)
        if evidence.verdict is Verdict.VERIFIED:
            return side, locked, evidence
        found = found or (side, locked, evidence)
    return found


def code(side: Side, locked: Locked) -> Evidence:
    """Whether the source files of `side` are those that its dvc.lock says the stages ran."""
    other = sorted(path for path, md5s in locked.code.items() if md5s != {_md5(side, path)})
    claim = f"code: {len(locked.code)} source files"
    if not other:
        return Evidence(claim, Verdict.VERIFIED, f"those of {side.name} are the ones dvc.lock ran")
    names = ", ".join(other[:NAMED]) + (", …" if len(other) > NAMED else "")
    return Evidence(claim, Verdict.DIFFERS, f"in {side.name} {len(other)} are not: {names}")


def parameters(recorded: Mapping[str, Any], side: Side, locked: Locked) -> Evidence:
    """Whether the package records the parameters with which dvc.lock says it was made."""
    absent = object()
    other = [key for key, value in recorded.items() if locked.parameters.get(key, absent) != value]
    claim = f"{len(recorded)} sections of params.yaml"
    if not other:
        return Evidence(claim, Verdict.VERIFIED, f"dvc.lock of {side.name} has the same")
    return Evidence(claim, Verdict.DIFFERS, f"dvc.lock of {side.name} differs: {', '.join(other)}")


def _sides(revisions: list[Revision]) -> Iterator[Side]:
    for revision in revisions:
        yield Commit(revision.commit[:9], revision.commit)
    if not revisions:
        yield WorkingTree()


def _md5(side: Side, path: str) -> str | None:
    content = side.read(Path(path))
    return None if content is None else hashlib.md5(content).hexdigest()


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
