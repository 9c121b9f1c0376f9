"""What a reviewer must know before the numbers, in sentences."""

from typing import NamedTuple

from emotion_slm.evaluation.tables import SAMPLE_CAPTION
from emotion_slm.workbench.review import Audit, Review

LISTED = 5


class Note(NamedTuple):
    text: str
    alarm: bool


def notes(review: Review) -> list[Note]:
    """The alarming ones first."""
    found = [*_alarms(review), _audit(review)]
    if review.corpus == "sample":
        found.append(Note(f"{SAMPLE_CAPTION.capitalize()}.", False))
    if review.state.uncommitted:
        found.append(Note(f"Not committed: {_some(review.state.uncommitted)}.", False))
    for name, what in review.files:
        found.append(Note(f"{name} was {what}.", False))
    if review.identical:
        found.append(Note("Nothing differs: params, metrics and plots are those of base.", False))
    return sorted(found, key=lambda note: not note.alarm)


def _alarms(review: Review) -> list[Note]:
    found = []
    if review.stale:
        found.append(
            f"dvc.lock is behind the code or params: `dvc repro` would run {_some(review.stale)}. "
            "The metrics below are not of this working tree."
        )
    if review.same_rows is False:
        found.append(
            "data/split differs: the two were tested on other rows, and no difference of scores is "
            "the model's alone."
        )
    return [Note(text, True) for text in found]


def _audit(review: Review) -> Note:
    before, after = review.audits
    if after is None:
        return Note("Leak audit: the working tree has no metrics/leakage.json.", True)
    if not after.passed:
        broken = ", ".join(f"{rule} {count:,}" for rule, count in after.broken.items())
        return Note(
            f"Leak audit FAILED: {broken or 'not passed'}. At base: {_verdict(before)}.", True
        )
    return Note(f"Leak audit: passed, {after.rules} rules. At base: {_verdict(before)}.", False)


def _verdict(audit: Audit | None) -> str:
    if audit is None:
        return "not there"
    return f"{'passed' if audit.passed else 'FAILED'}, {audit.rules} rules"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
