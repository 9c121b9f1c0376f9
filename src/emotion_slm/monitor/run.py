"""From scored files to a report: estimates, alerts with their evidence, changes, drift."""

from collections.abc import Container, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.seeds import child_seed
from emotion_slm.monitor.alerts import Found, episodes, find, recent, reference_window
from emotion_slm.monitor.assumption import DOUBTFUL
from emotion_slm.monitor.changes import change_points
from emotion_slm.monitor.drift import EMBEDDINGS, Drift, drifts
from emotion_slm.monitor.estimates import Classifier, Estimates, Estimator
from emotion_slm.monitor.examples import Evidence, Wanted
from emotion_slm.monitor.inputs import Scored, Unread
from emotion_slm.monitor.sentences import Share, doubts, rise_or_fall
from emotion_slm.monitor.settings import LEAST_REFERENCE, Settings
from emotion_slm.monitor.shares import Corrected
from emotion_slm.scoring.label_groups import LabelGroups

LEAST_CHANGE = 0.002  # of a share; where the mean moved and the share did not, the texts changed


class Alert(NamedTuple):
    """An episode of alerts: shares before (over the reference) and after (over the episode)."""

    label: str
    group: str
    rose: bool
    first: datetime
    last: datetime
    length: int
    lasting: bool
    before: Share
    after: Share
    mean_before: float
    mean_after: float
    p_value: float
    texts: int
    reference_texts: int
    drifted: list[str]
    fits: bool
    doubts: list[str]
    sentence: str
    places: tuple[int, ...]
    evidence: Evidence = Evidence([], [], 0)


class Change(NamedTuple):
    """Where a label's series in a group went over to another level."""

    label: str
    group: str
    period: datetime


class Drifted(NamedTuple):
    """A cell whose texts differ from those of its reference."""

    place: int
    drifts: list[Drift]


class Report(NamedTuple):
    """All that is found; `drifted` are cells with a kind that changed. `alerts` come with the most
    certain first. `compared`: how many cells had texts and a reference enough for an alert;
    `embedded`: whether embeddings were."""

    settings: Settings
    columns: LabelGroups
    groups: list[str]
    estimates: Estimates
    corrected: bool
    alerts: list[Alert]
    changes: list[Change]
    drifted: list[Drifted]
    unread: list[Unread]
    compared: int
    embedded: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what is watched."""
        return self.columns.names

    @property
    def grouped(self) -> bool:
        """Whether groups of labels are watched."""
        return any(len(members) > 1 for members in self.columns.members)


def monitor(
    scored: Scored,
    classifier: Classifier,
    settings: Settings,
    embedded: np.ndarray | None = None,
) -> Report:
    """The report of rows that are scored; alerts come without evidence.

    `embedded`: the `drift.moments` of the cells in `scored`, if texts were embedded.

    EmotionSlmError for a fixed reference that has too few periods in every group.
    """
    rng = np.random.default_rng(child_seed(settings.seed, "monitor"))
    labels = classifier.columns.names
    estimator = Estimator(scored, classifier, rng)
    estimates, places = estimator.estimates(), estimator.places
    groups = sorted({cell.group for cell in estimates.cells})
    series = [estimates.group(name) for name in groups]
    tables = {kind: table[places] for kind, table in scored.texts.padded(len(places)).items()}
    if embedded is not None:
        tables[EMBEDDINGS] = embedded[places]
    windows = [
        [len(reference_window(group.periods, period, settings)) for period in range(len(cells))]
        for cells, group in series
    ]
    _check_reference(windows, settings)
    compared = sum(
        int(texts >= settings.least_texts and length >= LEAST_REFERENCE)
        for (_, group), lengths in zip(series, windows, strict=True)
        for texts, length in zip(group.texts, lengths, strict=True)
    )
    drifted: dict[int, list[Drift]] = {}
    for cells, group in series:
        changed: set[int] = set()  # as with alerts, they are no reference for what follows
        for period, place in enumerate(cells):
            window = [one for one in recent(group.periods, period, settings) if one not in changed]
            if group.texts[period] >= settings.least_texts:
                drifted[place] = drifts(tables, place, [cells[one] for one in window])
                if any(drift.changed for drift in drifted[place]):
                    changed.add(period)
    tested = [group for _, group in series]
    found = find(tested, settings)
    alerts = [
        _alert(episode, series, groups, labels, estimates, drifted, estimator, settings)
        for episode in episodes(found, tested, settings.every)
    ]
    alerts = [one for one in alerts if _moved(one)]
    changes = [
        Change(label, name, group.periods[place])
        for name, (_, group) in zip(groups, series, strict=True)
        for column, label in enumerate(labels)
        for place in change_points(group.means[:, column], group.errors[:, column])
    ]
    return Report(
        settings,
        classifier.columns,
        groups,
        estimates,
        estimator.corrector is not None,
        sorted(alerts, key=lambda one: one.p_value),
        changes,
        [
            Drifted(place, kinds)
            for place, kinds in sorted(drifted.items())
            if any(kind.changed for kind in kinds)
        ],
        scored.unread,
        compared,
        embedded is not None,
    )


def _check_reference(windows: Sequence[Sequence[int]], settings: Settings) -> None:
    most = max(max(lengths) for lengths in windows)
    if isinstance(settings.reference, tuple) and most < LEAST_REFERENCE:
        first, last = settings.reference
        raise EmotionSlmError(
            f"--reference {first:%Y-%m-%d}..{last:%Y-%m-%d}: only {most} periods with texts begin "
            f"then beside the one compared; {LEAST_REFERENCE} are needed"
        )


def _alert(
    episode: Sequence[Found],
    series: list,
    groups: Sequence[str],
    labels: Sequence[str],
    estimates: Estimates,
    drifted: dict[int, list[Drift]],
    estimator: Estimator,
    settings: Settings,
) -> Alert:
    one = episode[0]
    cells, group = series[one.group]
    during = [cells[found.period] for found in episode]
    reference = [cells[period] for period in one.reference]
    first_found, mean_before = estimator.pooled(reference, one.label)
    then_found, mean_after = estimator.pooled(during, one.label)
    before, after = _share(first_found), _share(then_found)
    first, last = (group.periods[found.period] for found in (episode[0], episode[-1]))
    lasting = episode[-1].period == len(group.periods) - 1
    kinds = sorted({drift.kind for place in during for drift in drifted.get(place, ())
                    if drift.changed})  # fmt: skip
    fitting = not then_found.fit[0] < DOUBTFUL  # NaN where nothing is known of validation
    label, name = labels[one.label], groups[one.group]
    return Alert(
        label, name, one.rose, first, last, len(episode), lasting, before, after,
        mean_before, mean_after, min(found.p_value for found in episode),
        int(estimates.texts[during].sum()), int(estimates.texts[reference].sum()),
        kinds, fitting, doubts(kinds, fitting),
        rise_or_fall(label, name, before, after, one.rose, (first, last), len(episode),
                     settings.every, lasting),
        tuple(during),
    )  # fmt: skip


def _moved(alert: Alert) -> bool:
    """Whether the share itself moved the same way, by enough for anyone to care."""
    change = alert.after[0] - alert.before[0]
    return (change if alert.rose else -change) >= LEAST_CHANGE


def _share(found: Corrected) -> Share:
    return float(found.share[0]), float(found.low[0]), float(found.high[0])


def wanted(report: Report, most: int) -> list[Wanted]:
    """What to look for among the texts, for the first `most` alerts."""
    cells = report.estimates.cells
    return [
        Wanted(
            frozenset(cells[place] for place in alert.places),
            report.labels.index(alert.label),
        )
        for alert in report.alerts[:most]
    ]


def scored_path(folder: Path, source: Path, form: str, taken: Container[Path] = ()) -> Path:
    """Where a file that had no probabilities is scored to; not what others of its name `taken`."""
    number, stem = 1, source.name
    while (found := folder / "scored" / f"{stem}.scored.{form}") in taken:
        number += 1
        stem = f"{source.name}.{number}"
    return found
