"""dvc.lock: what each stage read, ran with and wrote, and whether files are those it read."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML, YAMLError

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import CORPORA, PARAMS
from emotion_slm.workbench.dvc_store import listing_md5
from emotion_slm.workbench.repository import Ignored, Side

LOCK = Path("dvc.lock")
IGNORE = Path(".dvcignore")  # DVC reads those of subfolders too: here there are none
ABSENT = object()


class Output(NamedTuple):
    """A file or folder: its MD5, empty when DVC had written none yet, and its bytes."""

    stage: str
    path: Path
    md5: str
    size: int


class Lock(NamedTuple):
    """`deps`: MD5s by path; `settings`: values by section of the run's profile.

    A path has several MD5s, and a section several values, only after a run that did not reach its
    end.
    """

    outs: list[Output]
    deps: dict[Path, set[str]]
    settings: dict[str, list[Any]]

    def out(self, path: Path) -> Output | None:
        return next((out for out in self.outs if out.path == path), None)

    @property
    def code(self) -> dict[Path, set[str]]:
        """The deps that no stage writes, but for params.yaml and the folder of corpora: `settings`
        has what counts of them, and data that git does not keep may lie in the folder."""
        written = {PARAMS, CORPORA, *(out.path for out in self.outs)}
        return {
            path: md5s
            for path, md5s in self.deps.items()
            if written.isdisjoint((path, *path.parents))
        }

    def values(self) -> dict[str, Any]:
        """The settings, nested ones by keys with dots; of several values of a section the last."""
        return {
            key: value
            for section, found in self.settings.items()
            for key, value in flat(section, found[-1])
        }


def read_lock(side: Side) -> Lock | None:
    """dvc.lock of a commit or the working tree, None if there is none; EmotionSlmError as parse."""
    content = side.read(LOCK)
    return None if content is None else parse(content, f"{LOCK} of {side.name}")


def parse(content: bytes, name: str) -> Lock:
    """The content of a dvc.lock; EmotionSlmError when DVC would refuse it."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from voluptuous import Invalid

    try:
        stages = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content.decode())).get("stages", {})
    except (YAMLError, UnicodeDecodeError, Invalid) as error:
        raise EmotionSlmError(
            f"{name}: not a lock of DVC; `git checkout {LOCK}` brings back the committed one, "
            f"`dvc repro` makes one ({error})"
        ) from error
    lock = Lock([], {}, {})
    for stage, said in stages.items():
        for out in said.get("outs", ()):
            lock.outs.append(Output(stage, Path(out["path"]), _md5(out), out.get("size") or 0))
        for dep in said.get("deps", ()):
            lock.deps.setdefault(Path(dep["path"]), set()).add(_md5(dep))
        for params in said.get("params", {}).values():
            for key, value in params.items():
                known = lock.settings.setdefault(section_of(key), [])
                if value not in known:
                    known.append(value)
    return lock


def section_of(key: str) -> str:
    """The section that a param's key names: before stage params was, keys named the profile too."""
    return re.sub(r"^profiles\.[^.]+\.", "", key)


def _md5(entry: Mapping) -> str:
    """A lock that was cut off may end amid a hash, whose beginning reads as a number."""
    return str(entry.get("md5") or "")


def flat(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Keys with dots and the values of nested mappings: what is not a mapping is a value."""
    if not isinstance(value, Mapping) or not value:
        yield key, value
        return
    for name, inner in value.items():
        yield from flat(f"{key}.{name}", inner)


class Unlike(NamedTuple):
    """A setting: what params.yaml says, and what dvc.lock ran, ABSENT for nothing."""

    key: str
    says: object
    ran: object


COMPLETED = re.compile(r"\.loss\.|^encoder\.start\.|^fetch\.sha256\.")


def other_params(side: Side, lock: Lock) -> list[Unlike]:
    """The settings that params.yaml of `side` gives its profile otherwise than dvc.lock ran them.

    Keys that params.yaml leaves out and stage params completes are no difference: those of a loss
    and of a start, and the hashes of the corpus.
    EmotionSlmError when params.yaml cannot be read.
    """
    chosen = _chosen(side)
    found = []
    for section in lock.settings.keys() & chosen.keys():
        says = dict(flat(section, chosen[section]))
        for ran in (dict(flat(section, value)) for value in lock.settings[section]):
            completed = {key for key in ran.keys() - says.keys() if COMPLETED.search(key)}
            found += [
                Unlike(key, says.get(key, ABSENT), ran.get(key, ABSENT))
                for key in (says.keys() | ran.keys()) - completed
                if says.get(key, ABSENT) != ran.get(key, ABSENT)
            ]
    return sorted(found, key=lambda unlike: unlike.key)


def _chosen(side: Side) -> dict[str, Any]:
    """By section what params.yaml says of its profile; empty without one."""
    content = side.read(PARAMS)
    if content is None:
        return {}
    try:
        document = YAML(typ="safe", pure=True).load(content.decode())
        profiles = document.pop("profiles", {})
        return {**document, **profiles.get(document.get("profile"), {})}
    except (YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise EmotionSlmError(f"{PARAMS} of {side.name}: no params ({error})") from error


def other_code(side: Side, lock: Lock) -> list[Path]:
    """The deps, none of them a stage's output, that are not in `side` as dvc.lock says they were.

    A folder counts as DVC counts it: the files in it that .dvcignore lets through.
    """
    ignored = Ignored(side.read(IGNORE) or b"")
    return sorted(
        path for path, md5s in lock.code.items() if md5s != {dependency_md5(side, path, ignored)}
    )


def dependency_md5(side: Side, path: Path, ignored: Ignored) -> str | None:
    """The MD5 by which DVC knows a file or folder of `side`; None if it is not there."""
    if side.read(path) is not None:
        return side.md5s([path])[0]
    files = [file for file in side.below(path) if not ignored(file)]
    names = (file.relative_to(path).as_posix() for file in files)
    return listing_md5(zip(names, side.md5s(files), strict=True)) if files else None
