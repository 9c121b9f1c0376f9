"""Everything that differs between a commit and the working tree, found by DVC and git."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML, YAMLError

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import review_scores as scores
from emotion_slm.workbench.commands import dvc
from emotion_slm.workbench.dvc_store import LOCK
from emotion_slm.workbench.review_plots import Plot, plots
from emotion_slm.workbench.review_scores import Score
from emotion_slm.workbench.revisions import Commit, Side, State, WorkingTree, find, read_json, state
from emotion_slm.workbench.stale import stale_stages

TEST = paths.METRICS / "test.json"
LEAKAGE = paths.METRICS / "leakage.json"
COUNTED = ("split.json", "balance.json")  # of these files every change is shown


class Change(NamedTuple):
    """A param or metric with its two values; None where there is none."""

    key: str
    before: object
    after: object


class Audit(NamedTuple):
    """The leak audit of one side: its verdict, and the rules it found broken with their counts."""

    passed: bool
    broken: dict[str, int]
    rules: int


class Review(NamedTuple):
    """What a reviewer asks, for a base and the working tree."""

    base: Commit
    state: State
    stale: list[str]
    profile: str
    corpus: str  # of metrics/test.json; empty without one
    same_rows: bool | None  # of test; None where dvc.lock does not say
    params: list[Change]
    files: list[tuple[str, str]]  # metrics files added or removed
    headline: list[Score]
    labels: list[Score]
    audits: tuple[Audit | None, Audit | None]
    counts: list[Change]
    metrics: dict[str, int]  # changed values per metrics file
    plots: list[Plot]

    def unused(self, key: str) -> bool:
        """Whether a param belongs to a profile that is not the chosen one."""
        return key.startswith("profiles.") and not key.startswith(f"profiles.{self.profile}.")

    @property
    def identical(self) -> bool:
        """No param, metric or plot differs."""
        changed = [plot for plot in self.plots if plot.changed]
        return not (self.params or self.metrics or self.files or changed)


def review(revision: str) -> Review:
    """Compare the working tree, the working directory, with the commit that `revision` names.

    EmotionSlmError outside the root of a git repository with a dvc.yaml, for a revision that git
    does not know, and for a file of either side that cannot be read.
    """
    base, now = find(revision), WorkingTree()
    tests = [read_json(side, TEST) for side in (base, now)]
    metrics = {name: _changes(values) for name, values in _diff("metrics", base).items() if values}
    return Review(
        base=base,
        state=state(),
        stale=stale_stages(),
        profile=str(_yaml(now, paths.PARAMS).get("profile", "")),
        corpus=str((tests[1] or {}).get("corpus", "")),
        same_rows=_same_rows(base, now),
        params=[change for values in _diff("params", base).values() for change in _changes(values)],
        files=_added_or_removed(base, now),
        headline=scores.headline(*tests),
        labels=scores.labels(*tests),
        audits=(_audit(base), _audit(now)),
        counts=[
            change
            for name in COUNTED
            for change in metrics.get((paths.METRICS / name).as_posix(), [])
        ],
        metrics={name: len(changes) for name, changes in sorted(metrics.items())},
        plots=plots(base, now),
    )


def _diff(kind: str, base: Commit) -> Mapping[str, Mapping]:
    """`dvc metrics diff` or `dvc params diff`: file → key → {old, new}."""
    return json.loads(dvc(kind, "diff", "--json", base.commit))


def _changes(values: Mapping[str, Mapping]) -> list[Change]:
    return [Change(key, values[key].get("old"), values[key].get("new")) for key in sorted(values)]


def _same_rows(base: Side, now: Side) -> bool | None:
    """Whether both runs were tested on the same rows: by the hash of data/split in dvc.lock."""
    hashes = []
    for side in (base, now):
        outs = _yaml(side, LOCK).get("stages", {}).get("split", {}).get("outs", [])
        hashes.append(next((out["md5"] for out in outs if out["path"] == str(paths.SPLIT)), None))
    return None if None in hashes else hashes[0] == hashes[1]


def _yaml(side: Side, path: Path) -> dict:
    content = side.read(path)
    try:
        return YAML(typ="safe", pure=True).load((content or b"").decode()) or {}
    except (YAMLError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{path} of {side.name}: not readable YAML ({error})") from error


def _audit(side: Side) -> Audit | None:
    content = read_json(side, LEAKAGE)
    if content is None:
        return None
    rules = content.get("must_be_zero", {})
    broken = {rule: count for rule, count in sorted(rules.items()) if count}
    return Audit(content.get("passed") is True and not broken, broken, len(rules))


def _added_or_removed(base: Side, now: Side) -> list[tuple[str, str]]:
    before, after = (
        {name for name in side.names(paths.METRICS) if name.endswith(".json")}
        for side in (base, now)
    )
    return [
        (f"{paths.METRICS}/{name}", "added" if name in after else "removed")
        for name in sorted(before ^ after)
    ]
