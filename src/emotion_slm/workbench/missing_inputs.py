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
from emotion_slm.workbench.dvc_store import LISTING, cache, listed, object_path
from emotion_slm.workbench.repository import LOCKS, run_dvc

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.stage import Stage

MISSING = ("deleted", "not in cache")  # no reason to run a stage, to `--allow-missing`


def require_inputs() -> None:
    """Under `dvc … --allow-missing`, fetch what the stages after this one would read.

    Without that option DVC makes what is missing. EmotionSlmError names what is neither here nor in
    a remote; under `--allow-missing` without `--pull`, what is not here.
    """
    command = _command()
    if "--allow-missing" not in command:
        return
    wanted = _missing(_stages_to_run())
    if wanted and "--pull" in command:
        run_dvc("fetch", *(dep.def_path for dep in wanted), shown=True)
        store = cache(Path())
        wanted = [dep for dep in wanted if not _is_kept(store, dep.hash_info.value)]
    if wanted:
        names = ", ".join(sorted(dep.def_path for dep in wanted))
        raise EmotionSlmError(
            f"a stage to run reads what is neither here nor in a remote: {names}; nothing was "
            "deleted. `dvc repro --pull` fetches what a remote has and makes the rest"
        )


def _command() -> list[str]:
    """The words of the command that runs this stage, none when that is not DVC.

    DVC notes it with its locks, for whoever has to wait: a stage is told nothing of its options.
    """
    try:
        writers = json.loads(LOCKS.read_bytes()).get("write", {})
    except FileNotFoundError:
        return []
    return writers.get(str(RUN.resolve()), {}).get("cmd", "").split()


def _stages_to_run() -> "list[Stage]":
    """As `dvc repro --allow-missing` chooses them, and all that follow one of them."""
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    graph = Repo().index.graph
    chosen: list[Stage] = []
    for stage in plan_repro(graph):
        before = list(graph.successors(stage))
        follows = any(other in chosen for other in before)
        this = stage.addressing == os.environ["DVC_STAGE"]
        if not this and (follows or stage.changed_stage() or _has_changed(stage, before)):
            chosen.append(stage)
    return chosen


def _has_changed(stage: "Stage", before: "list[Stage]") -> bool:
    made = {out.fs_path: out.hash_info for other in before for out in other.outs}
    for entry in (*stage.deps, *stage.outs):
        status = entry.status()
        if status and status[str(entry)] not in MISSING:
            return True
        if status and made.get(entry.fs_path, entry.hash_info) != entry.hash_info:
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
