import json

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.workbench.report_results import read_results


def change(name: str, path: str, value=None) -> None:
    """Set the key at the dotted `path` of metrics/<name>.json, or delete it."""
    content = read_json(name)
    *parents, key = path.split(".")
    section = content
    for parent in parents:
        section = section[parent]
    if value is None:
        del section[key]
    else:
        section[key] = value
    write_json(name, content)


@pytest.fixture
def metrics(run):
    return run / "metrics"


def test_reads_what_the_files_say(run, metrics):
    results = read_results()
    content = json.loads((metrics / "test.json").read_text())
    assert results.test.macro_f1 == content["macro_f1"]
    assert list(results.test.intervals.macro_f1) == content["intervals"]["macro_f1"]
    assert results.test.per_label["fear"].support == content["per_label"]["fear"]["support"]
    assert results.split.rows.test == 120


@pytest.mark.parametrize(
    ("name", "path", "stage"),
    [
        ("test", "intervals.macro_f1", "evaluate"),
        ("test", "per_label.fear.f1_interval", "evaluate"),
        ("test", "calibration", "evaluate"),
        ("test", "views", "evaluate"),
        ("test", "reference.adapt_head.ece", "evaluate"),
        ("leakage", "passed", "evaluate"),
        ("baselines", "tfidf_logistic", "baselines"),
        ("balance", "rows.synthetic", "ismote"),
        ("split", "rows", "split"),
    ],
)
def test_a_missing_key_is_named_with_its_file_and_the_remedy(metrics, name, path, stage):
    change(metrics / f"{name}.json", path)
    with pytest.raises(EmotionSlmError) as raised:
        read_results()
    assert f"metrics/{name}.json: {path}: missing key; `dvc repro {stage}`" in str(raised.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [("macro_f1", "high"), ("macro_f1", 1.5), ("per_label.fear.support", -1),
     ("intervals.micro_f1", [0.1]), ("per_label", {}), ("profile", 3)],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(metrics, path, value):
    change(metrics / "test.json", path, value)
    with pytest.raises(EmotionSlmError, match=rf"metrics/test.json: .*{path.split('.')[0]}"):
        read_results()


def test_a_missing_label_is_named(metrics):
    change(metrics / "test.json", "per_label.grief")
    with pytest.raises(EmotionSlmError, match=r"test.json: .*per_label.*'grief'"):
        read_results()


def test_a_missing_file_is_named(metrics):
    (metrics / "split.json").unlink()
    with pytest.raises(EmotionSlmError, match=r"metrics/split.json: no such file"):
        read_results()


def test_a_frozen_encoder_has_no_reference(metrics):
    change(metrics / "test.json", "reference", {})
    assert read_results().test.reference == {}
