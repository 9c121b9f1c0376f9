"""Everything that differs between a commit and the working tree, and what a reviewer must know."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common import paths
from emotion_slm.corpus.description import caption
from emotion_slm.workbench import review_scores as scores
from emotion_slm.workbench.curves import CURVES
from emotion_slm.workbench.dvc_lock import (
    ABSENT,
    Lock,
    Unlike,
    other_code,
    other_params,
    read_lock,
)
from emotion_slm.workbench.page import CAPTIONS
from emotion_slm.workbench.repository import (
    Commit,
    Side,
    State,
    WorkingTree,
    find,
    missing_commits,
    state,
)
from emotion_slm.workbench.results import Numbers, Origin, origin, read_numbers, read_table
from emotion_slm.workbench.review_scores import Headline, LabelScore, Table, TableChange
from emotion_slm.workbench.stale import stale_stages

TEST, VALIDATION, LEAKAGE = "test.json", "validation.json", "leakage.json"
HEADLINE = "headline.json"  # numbers of the other two, for DVC to show
PER_LABEL = paths.PLOTS / "per_label.csv"
SHOWN_ELSEWHERE = {PER_LABEL, *(curve.path for curve in CURVES)}
LISTED = 5


class Change(NamedTuple):
    """A param or number with its two values; None where there is none."""

    key: str
    before: object
    after: object


class Plot(NamedTuple):
    """A file of metrics/plots and its content on either side, None where it is absent."""

    path: Path
    before: bytes | None
    after: bytes | None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def caption(self) -> str:
        return CAPTIONS.get(self.path.stem, self.path.stem.replace("_", " "))


class Note(NamedTuple):
    """A sentence that goes before the numbers."""

    text: str
    alarm: bool


class Review(NamedTuple):
    """What a reviewer asks, for a base and the working tree."""

    base: Commit
    state: State
    origin: Origin  # of the working tree
    notes: list[Note]  # the alarming ones first
    params: list[Change]
    headline: list[Headline]
    labels: list[LabelScore]
    counts: list[Change]
    plots: list[Plot]
    tables: list[TableChange]


def review(revision: str) -> Review:
    """Compare the working tree, the working directory, with the commit that `revision` names.

    Params are those that dvc.lock of either side says were run. EmotionSlmError outside a git
    repository with a dvc.yaml, for a revision that git does not know, and for a file of either side
    that cannot be read.
    """
    base, now = find(revision), WorkingTree()
    locks = (read_lock(base), read_lock(now))
    numbers = (_numbers(base), _numbers(now))
    flat = [{name: found or {} for name, found in side.items()} for side in numbers]
    validation, test = (tuple(side.get(name, {}) for side in flat) for name in (VALIDATION, TEST))
    per_label = read_table(base, PER_LABEL), read_table(now, PER_LABEL)
    found = Review(
        base=base,
        state=state(),
        origin=origin(locks[1]),
        notes=[],
        params=_params(*locks),
        headline=scores.headline(validation, test),
        labels=scores.labels(*per_label),
        counts=_counts(*flat),
        plots=_plots(base, now),
        tables=[],
    )
    tables = [
        scores.table_change(plot.path, read_table(base, plot.path), read_table(now, plot.path))
        for plot in found.plots
        if plot.changed and plot.path.suffix == ".csv" and plot.path not in SHOWN_ELSEWHERE
    ]
    notes = [*_other_labels(*per_label), *_alarms(base, locks), *_notes(found, numbers)]
    return found._replace(tables=tables, notes=sorted(notes, key=lambda note: not note.alarm))


def _numbers(side: Side) -> dict[str, Numbers | None]:
    """The metrics files of a side by name; None of one that is not flat numbers."""
    files = [path for path in side.below(paths.METRICS) if path.parent == paths.METRICS]
    return {path.name: read_numbers(side, path) for path in files if path.suffix == ".json"}


def _params(base: Lock | None, now: Lock | None) -> list[Change]:
    """The settings that were run and differ."""
    return _changes(base.values(), now.values()) if base and now else []


def _counts(base: dict[str, Numbers], now: dict[str, Numbers]) -> list[Change]:
    """Every number that changed in the files beside those of the headline."""
    names = sorted({*base, *now} - {TEST, VALIDATION, HEADLINE})
    return [
        change._replace(key=f"{name.removesuffix('.json')}: {change.key}")
        for name in names
        for change in _changes(base.get(name, {}), now.get(name, {}))
    ]


def _changes(before: dict, after: dict) -> list[Change]:
    return [
        Change(key, before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key, ABSENT) != after.get(key, ABSENT)
    ]


def _plots(base: Side, now: Side) -> list[Plot]:
    """Every picture and table that either side has, the most telling first."""
    found = {*base.below(paths.PLOTS), *now.below(paths.PLOTS)}
    order = {paths.PLOTS / f"{name}.png": place for place, name in enumerate(CAPTIONS)}
    return [
        Plot(path, base.read(path), now.read(path))
        for path in sorted(found, key=lambda path: (order.get(path, len(order)), path))
        if path.suffix in (".png", ".csv")
    ]


def _alarms(base: Commit, locks: Sequence[Lock | None]) -> Iterator[Note]:
    """Whatever makes the numbers of a side other than its code's and params', or incomparable."""
    before, now = locks
    if stale := stale_stages():
        yield Note(
            f"dvc.lock is behind the code or params: `dvc repro` would run {_some(stale)}. "
            "The metrics below are not of this working tree.",
            True,
        )
    if now and (unlike := other_params(WorkingTree(), now)):
        yield Note(f"Not what was run: {_unlike(unlike)}.", True)
    if before is None:
        yield Note("Base has no dvc.lock: which params its metrics are of is not known.", True)
        return
    if unlike := other_params(base, before):
        yield Note(
            f"Base's metrics are not of its params.yaml: {_unlike(unlike)}. The params compared "
            "below are those that were run.",
            True,
        )
    if code := other_code(base, before):
        yield Note(
            f"Base's metrics are not of its code: {_some(list(map(str, code)))} changed since they "
            "were made.",
            True,
        )
    rows = [lock.out(paths.SPLIT) for lock in locks if lock]
    if None not in rows and len({out.md5 for out in rows}) > 1:
        yield Note(
            "data/split differs: the two were tested on other rows, and no difference of scores is "
            "the model's alone.",
            True,
        )


def _other_labels(base: Table, now: Table) -> Iterator[Note]:
    before, after = ([row["label"] for row in table if "label" in row] for table in (base, now))
    if before and after and set(before) != set(after):
        yield Note(
            "The two runs have other labels, so no score of one can be held against the other's. "
            f"Base: {', '.join(before)}. The working tree: {', '.join(after)}.",
            True,
        )


def _notes(review: Review, numbers: Sequence[dict[str, Numbers | None]]) -> Iterator[Note]:
    for side, files in zip(("Base", "The working tree"), numbers, strict=True):
        if nested := [f"metrics/{name}" for name, found in files.items() if found is None]:
            yield Note(
                f"{side} has no metrics in the form that is read here, flat numbers: "
                f"{_some(nested)} hold something else, so nothing in them is compared.",
                True,
            )
    audits = [_audit(files.get(LEAKAGE, {})) for files in numbers]
    yield Note(f"Leak audit: {audits[1]}. At base: {audits[0]}.", not audits[1].startswith("pass"))
    if ahead := missing_commits(review.base):
        yield Note(
            f"Base has {ahead:,} commits that are not merged here: what they changed looks undone "
            "below.",
            False,
        )
    if said := caption(review.origin.corpus):
        yield Note(f"{said[0].upper()}{said[1:]}.", False)
    if review.state.uncommitted:
        yield Note(f"Not committed: {_some(review.state.uncommitted)}.", False)
    for name in sorted(numbers[0].keys() ^ numbers[1].keys()):
        what = "added" if name in numbers[1] else "removed"
        yield Note(f"metrics/{name} was {what}.", False)
    if not (
        review.params
        or any(None in files.values() for files in numbers)
        or review.counts
        or any(row.changed for row in review.headline)
        or any(plot.changed for plot in review.plots)
    ):
        yield Note("Nothing differs: params, metrics and plots are those of base.", False)


def _audit(leakage: Numbers | None) -> str:
    if not leakage or not {"rules", "broken"} <= leakage.keys():
        return "no result that is read here"
    if leakage["broken"]:
        return f"FAILED, {leakage['broken']:,} of {leakage['rules']:,} rules broken"
    return f"passed, {leakage['rules']:,} rules"


def _unlike(params: list[Unlike]) -> str:
    return _some([
        f"{key} is {_value(says)} in params.yaml and was {_value(ran)} in the run"
        for key, says, ran in params
    ])  # fmt: skip


def _value(value: object) -> str:
    return "absent" if value is ABSENT else str(value)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
