"""What a run would read and nobody has, said before DVC deletes anything.

DVC deletes a stage's outputs, those in git too, before it looks for what the stage reads. With
`--allow-missing`, in a clone without data, that would leave a run failed and its metrics deleted.
So stage params looks first: DVC runs it before any other when code or params have changed.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import RUN
from emotion_slm.workbench.dvc_store import LISTING, listed, object_path
from emotion_slm.workbench.repository import LOCKS

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.stage import Stage

MISSING = ("deleted", "not in cache")  # no reason to run a stage, to `--allow-missing`


def require_inputs() -> None:
    """Under `dvc … --allow-missing`, that the stages to come find what they read.

    With `--pull` it is fetched into DVC's cache, where DVC then finds it. Without
    `--allow-missing` DVC makes what is missing. EmotionSlmError names the stages and what they
    lack.
    """
    command = _command()
    if "--allow-missing" not in command:
        return
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    repo = Repo()
    stages = _stages_to_run(repo)
    missing, tried = _missing(stages), ""
    if missing and "--pull" in command:
        tried = " and could not be fetched"
        try:
            repo.fetch([path.def_path for path in missing])
        except DvcException as error:
            tried += f" ({error})"
        store = Path(repo.cache.legacy.path)
        missing = [path for path in missing if not _is_kept(store, path.hash_info.value)]
    if missing:
        raise EmotionSlmError(
            f"{', '.join(stage.addressing for stage in stages)} would run; what they read is not "
            f"here{tried}: {', '.join(sorted(path.def_path for path in missing))}; nothing was "
            "deleted. `dvc repro --pull` fetches what a remote has and makes the rest"
        )


def _command() -> list[str]:
    """The words of the DVC command that runs this stage; none when something else does.

    DVC writes it beside its locks, for whoever must wait. It tells a stage nothing of its options.
    """
    try:
        writers = json.loads(LOCKS.read_bytes()).get("write", {})
    except FileNotFoundError:
        return []
    return writers.get(str(RUN.resolve()), {}).get("cmd", "").split()


def _stages_to_run(repo) -> "list[Stage]":
    """As `dvc repro --allow-missing` chooses them, and all that follow one of them, in order."""
    from dvc.repo.reproduce import plan_repro

    graph = repo.index.graph
    chosen: list[Stage] = []
    for stage in plan_repro(graph):
        before = list(graph.successors(stage))
        if stage.addressing != os.environ["DVC_STAGE"] and (
            any(other in chosen for other in before)
            or stage.changed_stage()
            or _has_changed(stage, before)
        ):
            chosen.append(stage)
    return chosen


def _has_changed(stage: "Stage", before: "list[Stage]") -> bool:
    """Whether what `stage` reads or wrote is there and other than dvc.lock says, or a stage
    `before` it has made something else since."""
    made = {out.fs_path: out.hash_info for other in before for out in other.outs}
    for path in (*stage.deps, *stage.outs):
        status = path.status().get(str(path))
        if status and status not in MISSING:
            return True
        if status and made.get(path.fs_path, path.hash_info) != path.hash_info:
            return True
    return False


def _missing(stages: "list[Stage]") -> "list[Output]":
    """What `stages` read that is not here, and that none of them makes."""
    made = [out.fs_path for stage in stages for out in stage.outs]
    found = {
        dep.fs_path: dep
        for stage in stages
        for dep in stage.deps
        if not dep.exists and not any(dep.fs.isin_or_eq(dep.fs_path, path) for path in made)
    }
    return list(found.values())


def _is_kept(store: Path, md5: str) -> bool:
    """Whether the cache holds an object and, of a folder's listing, what it lists."""
    path = object_path(store, md5)
    files = listed(path).values() if md5.endswith(LISTING) and path.is_file() else ()
    return all(kept.is_file() for kept in (path, *(object_path(store, file) for file in files)))
