import numpy as np
import pandas as pd
import pytest
from support.labels import GOEMOTIONS, LABEL_INDEX, to_matrix, to_names

from emotion_slm.evaluation import baselines
from emotion_slm.evaluation.params import BaselinesParams

PARAMS = BaselinesParams.model_validate(
    {
        "tfidf": {"min_df": 1, "max_ngram": 2, "c": 10.0},
        "thresholds": {"grid_step": 0.05, "folds": 3, "shrinkage": 100},
    }
)


def frame(repeats: int) -> pd.DataFrame:
    material = [("what a happy day", ["joy"]), ("I am so scared", ["fear"])]
    material += [("the bus stops here", ["neutral"])] * 2
    texts, labels = zip(*(material * repeats), strict=True)
    groups = np.arange(len(texts)) % len(material)
    return pd.DataFrame({"text": texts, "labels": labels, "duplicate_group": groups})


def test_majority_by_hand_and_ties_to_the_first_in_sort_order():
    gold = to_matrix([["joy"], ["joy", "love"], ["joy", "love"], ["fear"]])
    assert to_names([baselines.majority(gold)]) == [["joy", "love"]]
    # Of equally frequent ones the indicator row of love sorts before that of joy.
    assert to_names([baselines.majority(to_matrix([["joy"], ["love"]]))]) == [["love"]]


def test_words_are_learnt_and_majority_is_not_enough():
    result = baselines.baselines(frame(10), frame(4), frame(3), GOEMOTIONS, PARAMS, 1)
    assert set(result) == {
        "majority_macro_f1", "majority_micro_f1", "tfidf_macro_f1", "tfidf_micro_f1", "tfidf_map",
        "tfidf_ece",
    }  # fmt: skip
    assert result["majority_macro_f1"] == pytest.approx(2 / 3 / 28, abs=1e-6)
    assert result["majority_micro_f1"] == 0.5
    assert result["tfidf_map"] == result["tfidf_micro_f1"] == 1.0
    assert baselines.baselines(frame(10), frame(4), frame(3), GOEMOTIONS, PARAMS, 1) == result


def test_thresholds_come_from_validation_and_not_from_test():
    everything = frame(4)
    everything["labels"] = [["joy", "fear", "neutral"]] * len(everything)
    # Trained on four rows, it is unsure enough for a low threshold to let every label through.
    honest = baselines.baselines(frame(1), frame(4), frame(3), GOEMOTIONS, PARAMS, 1)
    misled = baselines.baselines(frame(1), everything, frame(3), GOEMOTIONS, PARAMS, 1)
    assert misled["tfidf_map"] == honest["tfidf_map"]
    assert misled["tfidf_macro_f1"] < honest["tfidf_macro_f1"]


def test_labels_of_one_class_get_a_certain_probability():
    texts, gold = ["good day", "bad day"], to_matrix([["joy", "love"], ["joy"]])
    (scores,) = baselines.tfidf_logistic(texts, gold, [["good day", "unseen"]], PARAMS.tfidf)
    assert scores[:, LABEL_INDEX["joy"]].tolist() == [1.0, 1.0]
    assert scores[:, LABEL_INDEX["grief"]].tolist() == [0.0, 0.0]
    love = scores[:, LABEL_INDEX["love"]]
    assert 0 < love[1] < love[0] < 1
