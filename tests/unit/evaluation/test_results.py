"""The files of metrics/, from an evaluation: few flat numbers, and tables."""

from contextlib import chdir

import numpy as np
import pytest
from support.evaluated import PARAMS, ROWS
from support.labels import LABEL_INDEX, LABELS

from emotion_slm.common import files
from emotion_slm.evaluation import metrics, results

NEUTRAL = LABEL_INDEX["neutral"]


@pytest.fixture(scope="module")
def written(evaluated, tmp_path_factory):
    root = tmp_path_factory.mktemp("written")
    with chdir(root):
        results.write(evaluated.results)
    return root / "metrics"


def table(written, name: str) -> dict[str, dict[str, str]]:
    """Rows by their first cell."""
    columns = results.COLUMNS[name]
    rows = files.read_csv(written / f"plots/{name}.csv", columns)
    assert all(tuple(row) == columns for row in rows)
    return {row[columns[0]]: row for row in rows}


def test_the_files_are_those_of_the_contract(written):
    names = {path.relative_to(written).as_posix() for path in written.rglob("*.*")}
    tables = {f"plots/{name}.csv" for name in results.COLUMNS}
    assert names == {"test.json", "validation.json", "headline.json"} | tables


def test_numbers_are_those_of_the_evaluation(written, evaluated):
    found = evaluated.results.evaluation
    test, validation = (files.read_json(written / f"{n}.json") for n in ("test", "validation"))
    assert set(test) == {
        "macro_f1", "macro_f1_low", "macro_f1_high", "micro_f1", "map", "auroc", "exact_accuracy",
        "macro_precision", "macro_recall", "ece", "brier", "macro_f1_targets", "macro_f1_at_half",
        "reference_macro_f1",
    }  # fmt: skip
    assert set(validation) == {
        "macro_f1", "macro_f1_cross_validated", "micro_f1", "map", "nll", "ece",
    }  # fmt: skip
    assert test["brier"] == found.test["brier"]
    assert test["macro_f1_at_half"] == found.at_half["macro_f1"] != test["macro_f1"]
    headline = files.read_json(written / "headline.json")
    assert headline.pop("macro_f1_validation") == validation["macro_f1_cross_validated"]
    assert headline == {name: test[name] for name in headline}


def test_labels_are_rows(written, evaluated):
    joy = table(written, "per_label")["joy"]
    (row,) = [row for row in evaluated.results.evaluation.per_label if row["label"] == "joy"]
    assert {key: joy[key] for key in ("f1", "support")} == {
        "f1": str(row["f1"]), "support": str(row["support"]),
    }  # fmt: skip
    assert joy["target"] == "true" and table(written, "per_label")["neutral"]["target"] == "false"


def test_labels_are_counted_where_they_are_trained_on_and_tested(written, evaluated):
    validation, test = evaluated.validation, evaluated.test
    counts = table(written, "label_counts")
    assert list(counts) == list(LABELS)
    for column, label in enumerate(LABELS):
        row = {name: int(cell) for name, cell in counts[label].items() if name != "label"}
        assert row["validation"] == validation.gold[:, column].sum()
        assert row["test"] == test.gold[:, column].sum()
        assert row["undersampled"] <= row["train"] and row["undersampled"] <= row["balanced"]
        limit = table(written, "thresholds")[label] if label in ("joy", "grief") else None
        if limit:
            assert float(limit["train_share"]) == pytest.approx(row["train"] / ROWS, abs=1e-6)
            assert int(limit["validation_positives"]) == row["validation"]
            assert 0 < float(limit["threshold"]) < 1


def test_reliability_is_in_bins_of_equally_many_entries(written, evaluated):
    test = evaluated.test
    bins = table(written, "reliability")
    assert list(bins) == [str(number) for number in range(1, metrics.ECE_BINS + 1)]
    assert sum(int(row["entries"]) for row in bins.values()) == test.gold.size
    probabilities = 1 / (1 + np.exp(-test.logits.ravel().astype(np.float64)))
    mean, observed, _ = metrics.equal_mass_bins(test.gold.ravel(), probabilities)
    assert [float(row["raw_mean"]) for row in bins.values()] == pytest.approx(mean, abs=1e-5)
    assert [float(row["raw_observed"]) for row in bins.values()] == pytest.approx(
        observed, abs=1e-5
    )


def test_one_calibration_is_chosen(written, evaluated):
    methods = table(written, "calibration")
    (chosen,) = [name for name, row in methods.items() if row["chosen"] == "true"]
    assert chosen == evaluated.results.evaluation.decision.choice.calibration.method
    nll = {name: float(row["cross_validated_nll"]) for name, row in methods.items()}
    assert nll[chosen] == min(nll.values())


def test_each_subset_has_the_metrics_of_its_rows(written, evaluated):
    found, test = evaluated.results, evaluated.test
    subsets = table(written, "subsets")
    assert set(subsets) == {"published_composition", "without_texts_seen_in_train"}
    unseen = subsets["without_texts_seen_in_train"]
    assert int(unseen["rows"]) == ROWS - 40
    expected = metrics.overall(
        test.gold[40:],
        found.evaluation.probabilities[40:],
        found.evaluation.decision.thresholds.per_label,
        test.labels.target_columns,
        test.logits[40:],
    )
    for name in results.COLUMNS["subsets"][2:]:
        assert float(unseen[name]) == pytest.approx(expected[name], abs=1e-6)


def test_without_a_reference_its_key_is_left_out(evaluated, monkeypatch):
    found, validation, test, root = evaluated
    monkeypatch.setattr(results, "evaluate", lambda *_: found.evaluation)
    again = results.gather(validation, test, None, PARAMS, 0, root)
    assert set(found.numbers["test"]) - set(again.numbers["test"]) == {"reference_macro_f1"}
    assert again.tables == found.tables


def gold_with_neutral(neutral: int, others: int) -> np.ndarray:
    gold = np.zeros((neutral + others, len(LABELS)), dtype=np.int8)
    gold[:neutral, NEUTRAL] = 1
    gold[neutral:, 3] = 1
    return gold[np.random.default_rng(0).permutation(len(gold))]


def test_published_composition_keeps_a_sixth_of_neutral_and_all_the_rest():
    gold = gold_with_neutral(600, 300)
    carries = gold[:, NEUTRAL]
    keep = results.thinned(carries, 6, seed=1)
    assert gold[keep, NEUTRAL].sum() == 100
    assert keep[gold[:, NEUTRAL] == 0].all()
    assert (keep == results.thinned(carries, 6, seed=1)).all()
    assert (keep != results.thinned(carries, 6, seed=2)).any()


def test_the_whole_corpus_would_shrink_to_the_published_counts():
    keep = results.thinned(gold_with_neutral(17_772, 54_263 - 17_772)[:, NEUTRAL], 6, seed=1)
    assert keep.sum() == 54_263 - 17_772 + 2_962


def test_texts_are_compared_normalised():
    texts = ["Thank you!", "thank you so much", "THANKYOU"]
    assert results.unseen(texts, ["thank you", "no"]).tolist() == [False, True, False]
