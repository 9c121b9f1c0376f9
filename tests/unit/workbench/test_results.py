import json

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.workbench.repository import WorkingTree
from emotion_slm.workbench.results import read_results, read_table


def change(path, key: str, value=None) -> None:
    """Set a key of a JSON file, or delete it."""
    content = read_json(path)
    content.pop(key)
    write_json(path, content if value is None else {**content, key: value})


@pytest.fixture
def metrics(run):
    return run / "metrics"


def test_reads_what_the_files_say(metrics):
    results = read_results()
    assert results.test.macro_f1 == json.loads((metrics / "test.json").read_text())["macro_f1"]
    assert results.validation.nll == 0.11 and results.split.test == 120
    (fear,) = [row for row in results.labels if row.label == "fear"]
    assert (fear.target, fear.f1, fear.f1_low, fear.support) == (True, 0.55, 0.45, 50)
    assert [(row.method, row.chosen) for row in results.methods] == [
        ("platt", True),
        ("isotonic", False),
    ]
    assert results.origin[1:] == ("goemotions", "pooled")


@pytest.mark.parametrize(
    ("name", "key", "stage"),
    [
        ("test", "macro_f1_low", "evaluate"),
        ("validation", "nll", "evaluate"),
        ("leakage", "broken", "evaluate"),
        ("baselines", "tfidf_map", "baselines"),
        ("balance", "synthetic", "ismote"),
        ("split", "dropped", "split"),
    ],
)
def test_a_missing_key_is_named_with_its_file_and_the_remedy(metrics, name, key, stage):
    change(metrics / f"{name}.json", key)
    with pytest.raises(EmotionSlmError) as raised:
        read_results()
    assert f"metrics/{name}.json: {key}: missing key; `dvc repro {stage}`" in str(raised.value)


@pytest.mark.parametrize(("key", "value"), [("macro_f1", 1.5), ("ece", -1), ("map", 7)])
def test_a_value_that_cannot_be_is_refused(metrics, key, value):
    change(metrics / "test.json", key, value)
    with pytest.raises(EmotionSlmError, match=rf"metrics/test\.json: {key}: "):
        read_results()


@pytest.mark.parametrize("value", ["high", {"joy": 0.5}, [0.1], True])
def test_what_is_not_flat_numbers_is_refused(metrics, value):
    change(metrics / "test.json", "macro_f1", value)
    with pytest.raises(EmotionSlmError, match=r"test\.json: not flat numbers.*dvc repro evaluate"):
        read_results()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("f1_high", "f1_top", "f1_high: missing key"),
        ("joy,true", "joy,perhaps", "target: "),
        ("joy,true,0.5", "joy,true,five", "precision: "),
        ("joy,true,0.5", "joy,true,0.5,0.5", "more cells than the header"),
    ],
)
def test_a_table_that_cannot_be_is_refused(metrics, old, new, message):
    path = metrics / "plots/per_label.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(EmotionSlmError, match=rf"per_label\.csv.*: .*{message}"):
        read_results()


def test_an_undefined_score_is_an_empty_cell(metrics):
    path = metrics / "plots/per_label.csv"
    lines = path.read_text().splitlines()
    lines[1] = "admiration,true,0,0,0,0,0,,,0"
    path.write_text("\n".join(lines))
    first = read_results().labels[0]
    assert first.ap is None and first.auroc is None and first.support == 0


@pytest.mark.parametrize("name", ["metrics/split.json", "metrics/plots/subsets.csv", "dvc.lock"])
def test_a_missing_file_is_named(run, name):
    (run / name).unlink()
    with pytest.raises(EmotionSlmError, match=rf"{name}: no such file; `dvc repro` makes it$"):
        read_results()


def test_a_frozen_encoder_has_no_reference_and_no_synthetic_rows_have_no_purity(metrics):
    change(metrics / "test.json", "reference_macro_f1")
    change(metrics / "balance.json", "purity")
    results = read_results()
    assert results.test.reference_macro_f1 is None and results.balance.purity is None


def test_cells_with_commas_quotes_and_line_ends_are_read_whole(run):
    path = run / "metrics/plots/odd.csv"
    path.write_bytes(b'\xef\xbb\xbflabel,n\r\n"a,""b""\r\nc",1\r\n')
    assert read_table(WorkingTree(), path) == [{"label": 'a,"b"\r\nc', "n": "1"}]
