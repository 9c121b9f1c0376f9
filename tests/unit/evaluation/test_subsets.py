import numpy as np
import pytest

from emotion_slm.corpus.labels import LABEL_INDEX, LABELS
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation import subsets as views

NEUTRAL = LABEL_INDEX["neutral"]


def gold_with_neutral(neutral: int, others: int) -> np.ndarray:
    gold = np.zeros((neutral + others, len(LABELS)), dtype=np.int8)
    gold[:neutral, NEUTRAL] = 1
    gold[neutral:, 3] = 1
    return gold[np.random.default_rng(0).permutation(len(gold))]


def test_published_composition_keeps_a_sixth_of_neutral_and_all_the_rest():
    gold = gold_with_neutral(600, 300)
    keep = views.published_composition(gold, seed=1)
    assert gold[keep, NEUTRAL].sum() == 100
    assert keep[gold[:, NEUTRAL] == 0].all()
    assert (keep == views.published_composition(gold, seed=1)).all()
    assert (keep != views.published_composition(gold, seed=2)).any()


def test_the_whole_corpus_would_shrink_to_the_published_counts():
    keep = views.published_composition(gold_with_neutral(17_772, 54_263 - 17_772), seed=1)
    assert keep.sum() == 54_263 - 17_772 + 2_962


def test_texts_are_compared_normalised():
    texts = ["Thank you!", "thank you so much", "THANKYOU"]
    assert views.unseen(texts, ["thank you", "no"]).tolist() == [False, True, False]


def test_each_view_has_the_metrics_of_its_rows(scored):
    gold, logits = scored
    probabilities = 1 / (1 + np.exp(-logits))
    half = np.full(len(LABELS), 0.5)
    texts = [f"text {row}" for row in range(len(gold))]
    rows = views.masks(gold, texts, texts[:40], seed=1)
    measured = views.measure(rows, gold, probabilities, half, logits)
    assert set(measured) == {"published_composition", "without_texts_seen_in_train"}
    unseen = measured["without_texts_seen_in_train"]
    assert unseen["rows"] == 260
    expected = metrics.evaluate(gold[40:], probabilities[40:], half)
    assert unseen["target_macro_f1"] == expected["target"]["macro_f1"]
    for key in ("macro_f1", "micro_f1", "macro_precision", "macro_recall", "map"):
        assert unseen[key] == pytest.approx(expected[key], abs=1e-6)
