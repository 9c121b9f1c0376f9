"""dvc.lock: what each stage read, ran with and wrote, and whether files are those it read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML, YAMLError

from emotion_slm.common.errors import EmotionSlmError
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
    """`deps`: MD5s by path; `params`: value by key, by file. `name` is for messages.

    A path has several MD5s, and a key several values, only after a run that did not reach its end.
    """

    name: str
    outs: list[Output]
    deps: dict[Path, set[str]]
    params: dict[Path, dict[str, list[Any]]]

    def out(self, path: Path) -> Output | None:
        return next((out for out in self.outs if out.path == path), None)

    @property
    def code(self) -> dict[Path, set[str]]:
        """The deps that no stage writes."""
        written = {out.path for out in self.outs}
        return {
            path: md5s
            for path, md5s in self.deps.items()
            if written.isdisjoint((path, *path.parents))
        }

    def values(self) -> dict[str, Any]:
        """The params, nested ones by keys with dots; of a key with several values the last."""
        return {
            key: value
            for params in self.params.values()
            for name, found in params.items()
            for key, value in flat(name, found[-1])
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
    lock = Lock(name, [], {}, {})
    for stage, said in stages.items():
        for out in said.get("outs", ()):
            lock.outs.append(Output(stage, Path(out["path"]), _md5(out), out.get("size") or 0))
        for dep in said.get("deps", ()):
            lock.deps.setdefault(Path(dep["path"]), set()).add(_md5(dep))
        for path, params in said.get("params", {}).items():
            known = lock.params.setdefault(Path(path), {})
            for key, value in params.items():
                if value not in known.setdefault(key, []):
                    known[key].append(value)
    return lock


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
    """A param: what its file says, ABSENT for nothing, and what dvc.lock ran."""

    key: str
    says: object
    ran: object


def other_params(side: Side, lock: Lock) -> list[Unlike]:
    """The params that `side` has otherwise than its dvc.lock ran them, by key.

    EmotionSlmError when a file of params cannot be read.
    """
    found = []
    for path, params in lock.params.items():
        document = _document(side, path)
        for key, ran in params.items():
            says = dict(flat(key, _at(document, key)))
            for value in ran:
                locked = dict(flat(key, value))
                found += [
                    Unlike(name, says.get(name, ABSENT), locked.get(name, ABSENT))
                    for name in sorted({**says, **locked})
                    if says.get(name, ABSENT) != locked.get(name, ABSENT)
                ]
    return sorted(found, key=lambda unlike: unlike.key)


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


def _document(side: Side, path: Path) -> object:
    content = side.read(path)
    try:
        return YAML(typ="safe", pure=True).load((content or b"").decode())
    except (YAMLError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{path} of {side.name}: not readable YAML ({error})") from error


def _at(document: object, key: str) -> object:
    for part in key.split("."):
        document = document.get(part, ABSENT) if isinstance(document, Mapping) else ABSENT
    return document
