import numpy as np
import pytest
from huggingface_hub import ModelCard
from ruamel.yaml import YAML

from emotion_slm.corpus.labels import LABELS, TARGETS
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.bootstrap import with_intervals
from emotion_slm.package.card import model_card
from emotion_slm.package.package import Origin

PASSED = {"passed": True, "must_be_zero": {"seeds": 0, "texts": 0}, "findings": {}}
FAILED = {"passed": False, "must_be_zero": {"seeds": 0, "texts": 7}, "findings": {}}


@pytest.fixture
def measured():
    random = np.random.default_rng(0)
    gold = (random.random((200, len(LABELS))) < 0.3).astype(np.int8)
    probabilities, limits = random.random(gold.shape), np.full(len(LABELS), 0.5)
    half = metrics.evaluate(gold, probabilities, limits)
    predicted = metrics.predictions(probabilities, limits)
    errors = {"before": {"ece": 0.25, "brier": 0.3}, "after": {"ece": 0.125, "brier": 0.2}}
    return {
        **with_intervals(half, predicted, gold, np.arange(len(gold)), 1),
        "at_0_5": half,
        "calibration": {"method": "isotonic", "cross_validated_nll": {}, **errors},
    }


def test_front_matter_is_yaml_with_the_keys_a_hub_reads(measured):
    card = model_card(Origin("minilm", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    _, front, _ = card.split("---\n", 2)
    content = YAML(typ="safe").load(front)
    assert content["base_model"] == "a/base"
    assert content["pipeline_tag"] == "text-classification"
    assert {"language", "license", "library_name", "tags", "datasets", "metrics"} <= set(content)


def test_every_label_has_its_row_and_targets_are_bold(measured):
    card = model_card(Origin("minilm", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    for label in LABELS:
        row = measured["per_label"][label]
        name = f"**{label}**" if label in TARGETS else label
        assert f"| {name} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f}" in card
    low, high = measured["intervals"]["macro_f1"]
    assert f"{measured['macro_f1']:.3f} ({low:.3f}–{high:.3f})" in card
    assert "by isotonic regression per label" in card
    assert "0.250 before, 0.125" in card


def test_labels_with_few_rows_are_starred(measured):
    card = model_card(Origin("minilm", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    rows = [line for line in card.splitlines() if line.endswith("* |")]
    assert len(rows) == sum(row["few_positives"] for row in measured["per_label"].values()) == 28
    for row in measured["per_label"].values():
        row["few_positives"] = False
    card = model_card(Origin("minilm", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    assert "Unreliable" not in card
    assert not any(line.endswith("* |") for line in card.splitlines())


def test_the_sample_corpus_and_a_failed_audit_are_said(measured):
    sample = model_card(Origin("sample", "sample", "pooled"), "a/base", measured, FAILED, True)
    real = model_card(Origin("minilm", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    assert "says nothing about quality" in sample and "FAILED" in sample
    assert "says nothing about quality" not in real and "FAILED" not in real


def test_the_hub_reads_the_scores_of_the_test_metrics(measured):
    origin = Origin("minilm", "goemotions", "official")
    card = ModelCard(model_card(origin, "a/base", measured, PASSED, True))
    results = {result.metric_name.split(",")[0]: result for result in card.data.eval_results}
    tuned = results["macro-F1 (thresholds tuned on validation"]
    assert tuned.metric_value == measured["macro_f1"]
    assert tuned.metric_args["bootstrap_interval_95"] == list(measured["intervals"]["macro_f1"])
    assert results["macro-F1 (threshold 0.5"].metric_value == measured["at_0_5"]["macro_f1"]
    assert {result.dataset_split for result in results.values()} == {"test"}


def test_a_classifier_that_transformers_cannot_load_is_not_offered_to_it(measured):
    card = model_card(Origin("p", "goemotions", "pooled"), "a/base", measured, PASSED, False)
    assert "no linear head" in card and "pipeline(" not in card


@pytest.mark.parametrize(
    ("method", "named", "sigmoids"),
    [
        ("platt", "Platt scaling per label", "folded into the head"),
        ("blend", "mean of Platt scaling and isotonic", "the half of the calibration that folds"),
        ("isotonic", "isotonic regression per label", "it is raw"),
    ],
)
def test_the_card_says_what_transformers_shows(measured, method, named, sigmoids):
    measured["calibration"]["method"] = method
    card = model_card(Origin("p", "goemotions", "pooled"), "a/base", measured, PASSED, True)
    assert named in card and sigmoids in card
