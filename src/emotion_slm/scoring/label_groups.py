"""What is shown of the probabilities: all labels, the targets, or groups of labels."""

from typing import NamedTuple

import numpy as np

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.ranking import most_probable
from emotion_slm.corpus.labels import LabelSet


class LabelGroups(NamedTuple):
    """m columns, each a label or a group of labels, by their positions among the labels.

    `single`: a text has exactly one of the labels.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    single: bool = False

    def probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """(n, labels) probabilities of labels → (n, m) probabilities of the columns.

        A group's is 1 − ∏(1 − p) over its labels: that of at least one of them, were they
        independent given the text. They are not, and nobody calibrated the group, so it is an
        estimate; the greatest p is only a lower bound of the same event. Of labels of which a text
        has exactly one it is their sum, exactly.
        """
        columns = [
            probabilities[:, members[0]]
            if len(members) == 1  # exactly the label's own
            else np.minimum(probabilities[:, members].sum(axis=1), 1)
            if self.single
            else 1 - np.prod(1 - probabilities[:, members], axis=1)
            for members in self.members
        ]
        return np.stack(columns, axis=1)

    def reached(
        self, probabilities: np.ndarray, thresholds: np.ndarray | None, threshold: float | None
    ) -> np.ndarray:
        """(n, m) bool, from (n, labels) probabilities: which columns the text is said to express.

        With `threshold`, those whose own probability reaches it; without, those of which some
        label reaches its own of the (labels,) tuned `thresholds`. Where a text has exactly one
        label, those that hold the most probable one, if they reach a `threshold` given. ValueError
        as `check_threshold`.
        """
        check_threshold(threshold)
        own = threshold is not None and self.probabilities(probabilities) >= threshold
        if threshold is not None and not self.single:
            return own
        labels = most_probable(probabilities) > 0 if self.single else probabilities >= thresholds
        held = np.stack([labels[:, members].any(axis=1) for members in self.members], axis=1)
        return held if threshold is None else held & own


def check_threshold(threshold: float | None) -> None:
    """ValueError unless it is None or from 0 to 1; NaN, which nothing reaches, is neither."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must be from 0 to 1")


def strongest(
    names: tuple[str, ...], probabilities: np.ndarray, reached: np.ndarray, top_k: int | None
) -> list[dict[str, float]]:
    """Per row of (n, m) the columns reached, most probable first, `top_k` of them at most."""
    # Stable: of equals the first in label order comes first.
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        {names[column]: float(row[column]) for column in ranked[hits[ranked]][:top_k]}
        for row, hits, ranked in zip(probabilities, reached, order, strict=True)
    ]


ALL, TARGETS = "all", "targets"


def known_label_groups(name: str, labels: LabelSet) -> LabelGroups:
    """The label groups called `name`: `all`, `targets`, or one of the label set's groupings.

    EmotionSlmError naming the nearest.
    """
    if name in (ALL, TARGETS):
        names = labels.names if name == ALL else labels.targets
        members = tuple((place,) for place in labels.columns(names))
        return LabelGroups(names, members, labels.single)
    if name not in labels.groups:
        known = (ALL, TARGETS, *labels.groups)
        raise EmotionSlmError(f"--labels {name}: unknown to this model{did_you_mean(name, known)}")
    groups = labels.grouped(name)
    members = (tuple(labels.columns(group)) for group in groups.values())
    return LabelGroups(tuple(groups), tuple(members), labels.single)
