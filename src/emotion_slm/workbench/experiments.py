"""The experiments since the last commit as one table: what each changed, the best on top.

`make experiments` runs this module. Winners are chosen on validation, so test is not shown.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from emotion_slm.common import paths
from emotion_slm.common.console import fail
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import PROFILE_SECTIONS
from emotion_slm.workbench.dvc_lock import flat
from emotion_slm.workbench.repository import Commit, WorkingTree, dvc
from emotion_slm.workbench.results import read_numbers

DONE = "done"
WORKSPACE = "workspace"  # what DVC calls the working tree
SCORES = {"macro_f1_cross_validated": "macro-F1", "map": "mAP", "nll": "NLL"}  # of validation


class Experiment(NamedTuple):
    """A run or a commit: its state, its settings by keys with dots, its scores on validation."""

    name: str
    state: str
    settings: dict[str, Any]
    scores: dict[str, float]


def read(shown: Sequence[Mapping]) -> list[Experiment]:
    """What `dvc exp show --json` says of working tree, commits, and experiments on them.

    It shows no number of validation but one, so these come from the files that git keeps.
    """
    found = []
    for baseline in shown:
        found.append(_experiment(baseline, baseline["name"] or baseline["rev"], DONE))
        for run in baseline.get("experiments") or []:
            state = (run.get("executor") or {}).get("state", DONE).replace("success", DONE)
            last = run["revs"][0]
            found.append(_experiment(last, last["name"] or last["rev"][:7], state))
    return found


def ranked(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The best on validation first; those without a score, failed ones among them, last."""
    first = next(iter(SCORES))

    def key(experiment: Experiment) -> tuple:
        return first not in experiment.scores, -experiment.scores.get(first, 0.0), experiment.name

    return sorted(experiments, key=key)


def table(experiments: Sequence[Experiment]) -> Table:
    """A row per experiment: the settings in which they differ, and scores of validation.

    Of several profiles, the name and the settings in which experiments of one profile differ.
    """
    changed = _differing(experiments)
    if "profile" in changed:
        profiles = {found.settings.get("profile") for found in experiments}
        alike = [[e for e in experiments if e.settings.get("profile") == name] for name in profiles]
        within = {key for same in alike for key in _differing(same)}
        changed = [key for key in changed if key == "profile" or key in within]
    shown = Table(title="Experiments, the best on validation first")
    shown.add_column("experiment", overflow="fold")
    shown.add_column("state")
    for key in changed:
        shown.add_column(key, overflow="fold")
    for title in SCORES.values():
        shown.add_column(title, justify="right", no_wrap=True)
    for experiment in ranked(experiments):
        scores = [
            f"{experiment.scores[name]:.4f}" if name in experiment.scores else "–"
            for name in SCORES
        ]
        values = [str(experiment.settings.get(key, "–")) for key in changed]
        shown.add_row(experiment.name, experiment.state, *values, *scores)
    return shown


def _differing(experiments: Sequence[Experiment]) -> list[str]:
    keys = dict.fromkeys(key for experiment in experiments for key in experiment.settings)
    return [
        key for key in keys if len({repr(found.settings.get(key)) for found in experiments}) > 1
    ]


def _experiment(entry: Mapping, name: str, state: str) -> Experiment:
    data = entry.get("data") or {}
    params = dict((data.get("params", {}).get("params.yaml") or {}).get("data") or {})
    profile = params.get("profile")
    sections = params.pop("profiles", {}).get(profile) or dict.fromkeys(PROFILE_SECTIONS)
    settings = {**params, **sections}
    return Experiment(
        name,
        state,
        {key: value for top, content in settings.items() for key, value in flat(top, content)},
        _scores(entry["rev"]) if state == DONE else {},
    )


def _scores(revision: str) -> dict[str, float]:
    side = WorkingTree() if revision == WORKSPACE else Commit(revision, revision)
    return read_numbers(side, paths.METRICS / "validation.json") or {}


def main() -> None:
    try:
        shown = json.loads(dvc("exp", "show", "--json"))
    except EmotionSlmError as error:
        fail(str(error))
    Console().print(table(read(shown)))


if __name__ == "__main__":
    main()
