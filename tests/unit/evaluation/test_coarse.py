import numpy as np

from emotion_slm.corpus.labels import LABELS, to_matrix
from emotion_slm.evaluation.metrics import TAXONOMIES, pool


def test_every_label_is_in_exactly_one_group():
    for groups in TAXONOMIES.values():
        assert sorted(label for names in groups.values() for label in names) == sorted(LABELS)
    assert {name: len(groups) for name, groups in TAXONOMIES.items()} == {
        "ekman": 7, "sentiment": 4,
    }  # fmt: skip


def test_a_group_is_present_if_any_of_its_labels_is():
    rows = to_matrix([["joy", "love"], ["neutral"], ["grief", "confusion"], []])
    sentiment = pool(rows, TAXONOMIES["sentiment"])
    names = list(TAXONOMIES["sentiment"])
    present = [{names[column] for column in np.flatnonzero(row)} for row in sentiment]
    assert present == [{"positive"}, {"neutral"}, {"negative", "ambiguous"}, set()]
