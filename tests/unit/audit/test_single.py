"""The audit where each row carries exactly one label: what it finds, and what does not apply."""

import shutil
from pathlib import Path

import pytest
from support import plants
from support.leaks import both, edit, rehash, reset, rewrite
from support.single import LABELS, write_single_workspace

from emotion_slm.audit.audit import PARTS, audit
from emotion_slm.audit.leaks import check
from emotion_slm.common import files
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench.hardest import hardest

PREDICTED = "data/predictions/test.parquet"
PACKAGE = "models/classifier"


@pytest.fixture(scope="module")
def clean(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    root = tmp_path_factory.mktemp("single") / "workspace"
    write_single_workspace(root, encoder_params(tiny_bert))
    return root


@pytest.fixture
def spoilt(clean, tmp_path) -> Path:
    return shutil.copytree(clean, tmp_path / "spoilt")


def test_a_clean_run_passes_and_what_does_not_apply_is_said(clean):
    found = audit(clean)
    assert found["passed"], found["examples"]
    assert list(found["findings"]["not_applicable"]) == ["thresholds_not_from_validation"]
    assert "thresholds_not_from_validation" not in found["must_be_zero"]


def test_its_labels_are_those_of_the_data_and_every_row_has_one(clean):
    assert load_corpus(clean / "data/raw").task == "single_label"
    assert load_corpus(clean / "data/raw").labels.names == LABELS.names
    rows = files.read_parquet(clean / "data/split/train.parquet", ["labels"])
    assert {len(labels) for labels in rows["labels"]} == {1}


def test_the_package_gives_one_label_a_text(clean, monkeypatch):
    monkeypatch.chdir(clean)
    classifier = EmotionClassifier.from_pretrained(PACKAGE)
    assert [len(labels) for labels in classifier.predict(["The abc, happy abd!", ""])] == [1, 1]
    accuracy = files.read_json(clean / "metrics/test.json")["accuracy"]
    assert accuracy > files.read_json(clean / "metrics/baselines.json")["majority_accuracy"]


def test_tables_and_pictures_stand_for_what_there_is_none_of(clean):
    plots = clean / "metrics/plots"
    rows = files.read_csv(plots / "thresholds.csv", ("label", "threshold", "train_share"))
    assert [(row["label"], row["threshold"]) for row in rows] == [
        (name, "") for name in LABELS.names
    ]
    assert (plots / "threshold_curves.png").exists()
    assert not (clean / PACKAGE / "thresholds.json").exists()


def test_synthetic_rows_carry_exactly_the_label_they_were_made_for(clean):
    rows = files.read_parquet(clean / "data/balanced/rows.parquet", ["labels", "target_label"])
    made = rows[rows["target_label"].notna()]
    assert len(made) and all(
        list(labels) == [target]
        for labels, target in zip(made["labels"], made["target_label"], strict=True)
    )


def test_the_hardest_rows_give_their_label_the_least(clean, monkeypatch):
    monkeypatch.chdir(clean)
    found = hardest(files.read_json(clean / "metrics/test.json")["macro_f1"], count=5)
    assert len(found.rows) == 5, found.absent
    losses = [row.loss for row in found.rows]
    assert losses == sorted(losses, reverse=True)


def moved(name: str, *keys: str, value: float):
    """A number of a packaged file altered, and vouched for."""
    return both(reset(f"{PACKAGE}/{name}", *keys, value=value), rehash(name))


def another_class(root: Path) -> None:
    """A held-out row given its runner-up as gold, in the split alone."""
    path = "data/split/test.parquet"
    row = files.read_parquet(root / path, ["labels"])["labels"][0]
    other = next(label for label in LABELS.names if label != row[0])
    edit(path, 0, labels=[other])(root)


# Name → what is done, the part that must find it, the rule it must break.
FRAUDS = {
    "a classifier trained on test too, its record forged": (
        plants.fitted_on_test_too, "classifier", "classifier_not_made_again",
    ),
    "a logit edited": (
        edit(PREDICTED, 3, praise=9.0), "results", "predictions_not_by_the_classifier",
    ),
    "a label's slope moved": (
        lambda root: calibrated(root, 1.5), "results", "calibration_not_from_validation",
    ),
    "accuracy embellished": (
        reset("metrics/test.json", "accuracy", value=0.99),
        "results", "test_metrics_not_from_predictions",
    ),
    "the log-likelihood embellished": (
        reset("metrics/test.json", "nll", value=0.1),
        "results", "test_metrics_not_from_predictions",
    ),
    "a packaged accuracy embellished": (
        moved("results.json", "test", "accuracy", value=0.99),
        "results", "card_not_from_predictions",
    ),
    "thresholds put into the package": (
        lambda root: files.write_json(root / PACKAGE / "thresholds.json", {"global": 0.5}),
        "package", "packaged_files_unexpected",
    ),
    "a package said to give many labels": (
        reset(f"{PACKAGE}/config.json", "problem_type", value="multi_label_classification"),
        "package", "packaged_config_not_of_the_run",
    ),
    "a baseline made worse": (
        reset("metrics/baselines.json", "tfidf_accuracy", value=0.1),
        "remade", "baselines_not_of_the_rows",
    ),
    "a test row of another class": (another_class, "remade", "split_not_of_its_seed"),
    "a synthetic row of two classes": (
        rewrite("data/balanced/rows.parquet", lambda frame: frame.assign(
            labels=[*frame["labels"][:-1], ["billing", "praise"]]
        )),
        "remade", "balanced_not_of_its_seed",
    ),
}  # fmt: skip


def calibrated(root: Path, factor: float) -> None:
    """Whatever the method, its first number times `factor`, vouched for."""
    path = root / PACKAGE / "calibration.json"
    content = files.read_json(path)
    parameters = content["parameters"]
    inner = parameters if "temperature" in parameters else parameters["billing"]
    key = "temperature" if "temperature" in inner else "slope"
    inner[key] *= factor
    files.write_json(path, content)
    rehash("calibration.json")(root)


@pytest.mark.parametrize("name", FRAUDS)
def test_a_fraud_breaks_its_rule(spoilt, name):
    plant, part, rule = FRAUDS[name]
    plant(spoilt)
    found = check({part: PARTS[part]}, spoilt, strict=False)
    assert found["must_be_zero"].get(rule), (found["must_be_zero"], found.get("not_checked"))
