"""Red team: leaks planted in models/adapted and data/predictions."""

import numpy as np
import pytest
from support.labels import CORPUS, GOEMOTIONS, LABELS, to_matrix
from support.leaks import append, drop, reset, rewrite

from emotion_slm.audit.audit import PARTS
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.params import Ratios
from emotion_slm.corpus.split import split_pooled
from emotion_slm.corpus.tsv import read_corpus

CONFIG = "models/adapted/config.json"
PREDICTED = "data/predictions/test.parquet"


def adapted_on_another_protocol(root) -> None:
    ratios = Ratios(train=0.6, validation=0.2, test=0.2)
    train = split_pooled(read_corpus(root / "data/raw", CORPUS), GOEMOTIONS, ratios, 0).frames[
        "train"
    ]
    reset(CONFIG, "train_ids_sha256", value=files.sha256_lines(train["id"].tolist()))(root)


def trained_on_test(root) -> None:
    """Logits of a model that has seen every test row, under a config that hides it."""
    test = files.read_parquet(root / "data/split/test.parquet", ["labels"])
    gold = to_matrix(test["labels"])
    rewrite(
        PREDICTED,
        lambda frame: frame.assign(
            **{label: frame[label] + 6 * gold[:, column] for column, label in enumerate(LABELS)}
        ).astype(dict.fromkeys(LABELS, np.float32)),
    )(root)


LEAKS = {
    "an encoder adapted on other rows": (
        reset(CONFIG, "train_ids_sha256", value=files.sha256_lines(["train0", "test0"])),
        "adapted_encoder_saw_other_rows", 1,
    ),
    "an encoder adapted on another protocol": (
        adapted_on_another_protocol, "adapted_encoder_saw_other_rows", 1,
    ),
    "an encoder that does not say what it saw": (
        reset(CONFIG, "train_ids_sha256", value=None), "adapted_encoder_saw_other_rows", 1,
    ),
    "a test row not scored": (drop(PREDICTED, 1), "test_predictions_missing", 1),
    "a row of train scored as test": (
        append(PREDICTED, PREDICTED, 0, id="train1"), "test_predictions_extra", 1,
    ),
    "a test row scored twice": (append(PREDICTED, PREDICTED, 0), "test_predictions_repeated", 1),
    "logits that are no number or without end": (
        rewrite(PREDICTED, lambda frame: frame.assign(joy=[np.nan, np.inf, *frame["joy"][2:]])),
        "test_predictions_not_finite", 2,
    ),
    "an encoder that saw test under a forged config": (
        trained_on_test, "test_ranked_far_above_validation", 1,
    ),
}  # fmt: skip


def test_clean_evaluation_passes(audited):
    result = PARTS["evaluation"](audited)
    assert result["passed"] is True and result["examples"] == {}
    assert result["findings"]["encoder_frozen"] is False
    found = result["findings"]["macro_average_precision"]
    assert set(found) == {"validation", "test", "deviations"}
    assert set(result["findings"]["likelihood_gained"]) == set(found)


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, leak):
    plant, rule, count = LEAKS[leak]
    plant(audited)
    result = PARTS["evaluation"](audited)
    assert result["must_be_zero"][rule] == count
    assert result["passed"] is False


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda frame: frame.drop(columns="joy"), "'joy' is missing"),
        (lambda frame: frame.rename(columns={"joy": "happiness"}), "'joy' is missing"),
        (lambda frame: frame.assign(happiness=0.0), "unknown column 'happiness'"),
        (lambda frame: frame.assign(joy=1), "'joy' does not hold floats"),
        (lambda frame: frame.assign(joy="1.0"), "'joy' does not hold floats"),
        (lambda frame: frame.assign(id=[None, *frame["id"][1:]]), "'id' has no value in row 1"),
    ],
)
def test_other_label_sets_and_types_are_refused(audited, change, named):
    rewrite(PREDICTED, change)(audited)
    with pytest.raises(EmotionSlmError, match=f"test.parquet.*{named}"):
        PARTS["evaluation"](audited)


def test_frozen_encoder_needs_no_hash(audited):
    reset(CONFIG, "train_ids_sha256", value=None)(audited)
    reset(CONFIG, "frozen", value=True)(audited)
    result = PARTS["evaluation"](audited)
    broken = {rule for rule, count in result["must_be_zero"].items() if count}
    assert broken == {"adapted_otherwise_than_params_say"}
    assert result["findings"]["encoder_frozen"] is True


def test_what_an_older_run_did_not_record_is_no_offence(audited):
    config = files.read_json(audited / CONFIG)
    del config["validation_ids_sha256"]
    files.write_json(audited / CONFIG, config)
    assert PARTS["evaluation"](audited)["passed"]
