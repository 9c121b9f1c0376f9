import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from ruamel.yaml import YAML
from support.labels import CORPUS, LABELS, SAMPLE, TARGETS

from emotion_slm.classifier.params import MlpHead
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.package.card import model_card, write_card
from emotion_slm.package.package import Origin, Package, read_package


@pytest.fixture
def package(packaged, tmp_path) -> Package:
    """A private copy of a package, of the real corpus."""
    folder = Path(shutil.copytree(packaged, tmp_path / "classifier"))
    return read_package(folder)._replace(
        origin=Origin("minilm", "goemotions", "official"), corpus=CORPUS
    )


@pytest.fixture
def results(package) -> dict:
    return read_json(package.folder / "results.json")


def card_of(package: Package, **options) -> str:
    return model_card(package, "models/classifier", **options)


def front_matter_of(package: Package) -> dict:
    _, front, _ = card_of(package).split("---\n", 2)
    return YAML(typ="safe").load(front)


def test_a_base_on_the_hub_is_named_and_a_local_folder_by_its_name_alone(package):
    encoder = package.encoder.model_copy(update={"id": "owner/base"})
    assert front_matter_of(package._replace(encoder=encoder))["base_model"] == "owner/base"
    folder = Path(package.encoder.id)
    assert "base_model" not in front_matter_of(package)
    assert f"on {folder.name}." in card_of(package) and str(folder.parent) not in card_of(package)


def test_front_matter_is_yaml_with_the_keys_a_hub_reads(package):
    content = front_matter_of(package)
    assert content["pipeline_tag"] == "text-classification"
    assert {"language", "license", "library_name", "tags", "datasets", "metrics"} <= set(content)


def test_the_results_are_shown_with_interval_and_calibration(package, results):
    card, test = card_of(package), results["test"]
    span = f"{test['macro_f1_low']:.3f}–{test['macro_f1_high']:.3f}"
    assert f"| per-label thresholds | {test['macro_f1']:.3f} ({span}) |" in card
    assert f"| threshold 0.5, uncalibrated | {results['at_half']['macro_f1']:.3f} |" in card
    errors = f"{results['at_half']['ece']:.3f} before, {test['ece']:.3f} after"
    assert f"by Platt scaling per label: expected calibration error {errors}" in card
    assert "of 39 rules" in card and "1,234 test rows have a near-duplicate in train" in card


def test_every_label_has_its_row_and_targets_are_bold(package):
    lines = card_of(package).splitlines()
    for label in LABELS:
        name = f"**{label}**" if label in TARGETS else label
        support = "19*" if label == "grief" else "1,234"
        assert f"| {name} | 0.400 | 0.600 | 0.480 | 0.450–0.500 | {support} |" in lines


def test_labels_with_few_rows_are_explained(package, results):
    assert "Unreliable, for want of test rows: grief." in card_of(package)
    for row in results["per_label"]:
        row["support"] = 100
    write_json(package.folder / "results.json", results)
    card = card_of(package)
    assert "Unreliable" not in card
    assert not any(line.endswith("* |") for line in card.splitlines())


def test_the_sample_corpus_is_said(package):
    sample = package._replace(corpus=SAMPLE)
    assert "says nothing about quality" in card_of(sample)
    assert "says nothing about quality" not in card_of(package)


def test_the_hub_reads_the_scores_of_the_test_metrics(package, results):
    card = ModelCard(card_of(package))
    found = {result.metric_name.split(",")[0]: result for result in card.data.eval_results}
    tuned, test = found["macro-F1 (thresholds tuned on validation"], results["test"]
    assert tuned.metric_value == test["macro_f1"]
    bounds = [test["macro_f1_low"], test["macro_f1_high"]]
    assert tuned.metric_args["bootstrap_interval_95"] == bounds
    half = found["macro-F1 (threshold 0.5"]
    assert half.metric_value == results["at_half"]["macro_f1"]
    assert "bootstrap_interval_95" not in half.metric_args
    assert {result.dataset_split for result in found.values()} == {"test"}


def test_on_the_hub_the_examples_load_the_repository(package):
    card = model_card(package, "me/emotions", on_hub=True)
    assert 'snapshot_download("me/emotions")' in card and 'model="me/emotions"' in card
    assert "models/classifier" not in card
    local = card_of(package)
    assert 'from_pretrained("models/classifier")' in local and "snapshot_download" not in local


def test_a_classifier_that_transformers_cannot_load_is_not_offered_to_it(package):
    mlp = MlpHead(name="mlp", hidden=8, dropout=0.1)
    card = card_of(package._replace(finetuned=package.finetuned._replace(classifier=mlp)))
    assert "no linear head" in card and "pipeline(" not in card


def test_an_export_says_what_it_is(package):
    card = card_of(package._replace(onnx="int8"))
    assert "**Exported to ONNX, int8**" in card and "it is an ONNX graph" in card
    assert "pipeline(" not in card
    assert "Exported" not in card_of(package)


@pytest.mark.parametrize(
    ("method", "named", "sigmoids"),
    [
        ("platt", "Platt scaling per label", "folded into the head"),
        ("blend", "mean of Platt scaling and isotonic", "the half of the calibration that folds"),
        ("isotonic", "isotonic regression per label", "it is raw"),
    ],
)
def test_the_card_says_what_transformers_shows(package, method, named, sigmoids):
    write_json(package.folder / "calibration.json", {"method": method})
    assert named in card_of(package) and sigmoids in card_of(package)


def test_a_package_without_results_has_no_card(package):
    (package.folder / "results.json").unlink()
    with pytest.raises(
        EmotionSlmError, match=r"results\.json: no such file.*make the package again"
    ):
        write_card(package)
    assert not (package.folder / "README.md").exists()
