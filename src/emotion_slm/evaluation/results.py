"""The numbers and tables of metrics/ that stage evaluate writes, from logits and data files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common import files
from emotion_slm.common.paths import BALANCED, METRICS, PLOTS, SPLIT, UNDERSAMPLED
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.split import normalize
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.evaluate import (
    Evaluation,
    Row,
    Scored,
    decide,
    evaluate,
    overall,
    raw_probabilities,
)

TEST = (
    "macro_f1", "macro_f1_low", "macro_f1_high", "micro_f1", "map", "auroc", "exact_accuracy",
    "macro_precision", "macro_recall", "ece", "brier", "macro_f1_targets",
)  # fmt: skip
VALIDATION = ("macro_f1", "macro_f1_cross_validated", "micro_f1", "map", "nll", "ece")
# What `dvc metrics show`, `dvc metrics diff` and `dvc exp show` print: a column each.
HEADLINE = (
    "macro_f1", "macro_f1_low", "macro_f1_high", "micro_f1", "map", "exact_accuracy", "ece",
)  # fmt: skip
# Where each row carries exactly one label.
TEST_OF_ONE = (
    "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy", "accuracy_low", "accuracy_high", "map",
    "auroc", "macro_precision", "macro_recall", "ece", "nll", "brier", "macro_f1_targets",
)  # fmt: skip
VALIDATION_OF_ONE = ("macro_f1", "macro_f1_cross_validated", "accuracy", "map", "nll", "ece")
HEADLINE_OF_ONE = ("macro_f1", "macro_f1_low", "macro_f1_high", "accuracy", "map", "ece")
# Columns of the tables, by file name.
COLUMNS = {
    "per_label": (
        "label", "target", "precision", "recall", "f1", "f1_low", "f1_high", "ap", "auroc",
        "support",
    ),
    "reliability": (
        "bin", "raw_mean", "raw_observed", "calibrated_mean", "calibrated_observed", "entries",
    ),
    "label_counts": ("label", "train", "undersampled", "balanced", "validation", "test"),
    "thresholds": ("label", "threshold", "train_share", "validation_positives"),
    "subsets": (
        "subset", "rows", "macro_f1", "micro_f1", "map", "macro_precision", "macro_recall",
        "macro_f1_targets",
    ),
    "calibration": ("method", "cross_validated_nll", "chosen"),
}  # fmt: skip
COLUMNS_OF_ONE = COLUMNS | {
    "subsets": tuple(name.replace("micro_f1", "accuracy") for name in COLUMNS["subsets"])
}


class Results(NamedTuple):
    """An evaluation, and what metrics/ holds of it.

    `numbers`: test, validation and headline, numbers by name; `tables`: the rows of each table of
    `columns`.
    """

    evaluation: Evaluation
    numbers: dict[str, dict[str, float]]
    tables: dict[str, list[Row]]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Those of each table, by its name."""
        return COLUMNS_OF_ONE if self.evaluation.decision.thresholds is None else COLUMNS


def gather(
    validation: Scored,
    test: Scored,
    reference: Sequence[Scored] | None,
    params: ThresholdParams,
    seed: int,
    root: Path = Path(),
) -> Results:
    """Evaluate validation and test of the workspace at `root`.

    `reference`: the same rows as the head of adapt scores them, decided on as the classifier's are;
    None without one.
    """
    found, single = evaluate(validation, test, params, seed), test.labels.single
    numbers = {name: found.test[name] for name in (TEST_OF_ONE if single else TEST)}
    if not single:
        numbers["macro_f1_at_half"] = found.at_half["macro_f1"]
    if reference is not None:
        decision = decide(reference[0], params, seed)
        numbers["reference_macro_f1"] = decision.overall(reference[1])["macro_f1"]
    of_validation = VALIDATION_OF_ONE if single else VALIDATION
    checked = {name: found.validation[name] for name in of_validation}
    headline = {name: numbers[name] for name in (HEADLINE_OF_ONE if single else HEADLINE)}
    headline["macro_f1_validation"] = checked["macro_f1_cross_validated"]
    counts = _label_counts(root, test.labels)
    tables = {
        "per_label": found.per_label,
        "reliability": reliability(test, found.probabilities),
        "label_counts": counts,
        "thresholds": _thresholds(found, counts, len(_read(root, SPLIT, "train", "labels"))),
        "subsets": _subsets(found, test, root, child_seed(seed, "subsets")),
        "calibration": _calibration(found),
    }
    return Results(found, {"test": numbers, "validation": checked, "headline": headline}, tables)


def write(results: Results) -> None:
    for name, content in results.numbers.items():
        files.write_json(METRICS / f"{name}.json", content)
    for name, rows in results.tables.items():
        files.write_csv(PLOTS / f"{name}.csv", results.columns[name], rows)


def reliability(test: Scored, calibrated: np.ndarray) -> list[Row]:
    """Mean probability and share of positives in 15 bins of equally many entries, labels pooled.

    Each kind of probability is sorted into bins of its own. Of one label a row, the entries are the
    rows' most probable labels.
    """

    def entries(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if test.labels.single:
            return metrics.of_most_probable(test.gold, probabilities)
        return test.gold.ravel(), probabilities.ravel()

    (gold, before), after = entries(raw_probabilities(test)), entries(calibrated)
    raw, after = metrics.equal_mass_bins(gold, before), metrics.equal_mass_bins(*after)
    return [
        {
            "bin": place + 1,
            "raw_mean": metrics.rounded(raw_mean),
            "raw_observed": metrics.rounded(raw_observed),
            "calibrated_mean": metrics.rounded(mean),
            "calibrated_observed": metrics.rounded(observed),
            "entries": round(weight * gold.size),
        }
        for place, (raw_mean, raw_observed, mean, observed, weight) in enumerate(
            zip(*raw[:2], *after, strict=True)
        )
    ]


def subset_masks(
    gold: np.ndarray,
    labels: LabelSet,
    texts: Sequence[str],
    train_texts: Sequence[str],
    seed: int,
) -> dict[str, np.ndarray]:
    """Test rows chosen as others choose theirs, (n,) bool each; gold: (n, labels).

    `published_composition`, of a corpus whose labels say how it was thinned: some of the rows that
    carry the thin label, drawn by `seed`, and every other row. `without_texts_seen_in_train`:
    rows whose normalised text is not a train row's.
    """
    found = {}
    if labels.thin and labels.thinned_as_published:
        carries = gold[:, labels.index[labels.thin]]
        found["published_composition"] = thinned(carries, labels.thinned_as_published, seed)
    found["without_texts_seen_in_train"] = unseen(texts, train_texts)
    return found


def thinned(carries: np.ndarray, one_in: int, seed: int) -> np.ndarray:
    """(n,) bool: every row but those that `carries`, (n,), marks, and one in so many of these."""
    rows = np.flatnonzero(carries)
    keep = np.ones(len(carries), dtype=bool)
    keep[rows] = False
    size = round(len(rows) / one_in)
    keep[np.random.default_rng(seed).choice(rows, size=size, replace=False)] = True
    return keep


def unseen(texts: Sequence[str], train_texts: Sequence[str]) -> np.ndarray:
    """(n,) bool: the rows whose normalised text is not among the normalised `train_texts`."""
    seen = {normalize(text) for text in train_texts}
    return np.array([normalize(text) not in seen for text in texts], dtype=bool)


def _subsets(found: Evaluation, test: Scored, root: Path, seed: int) -> list[Row]:
    """The same predictions at the same thresholds, on some of test's rows."""
    texts = [_read(root, SPLIT, name, "text") for name in ("test", "train")]
    return [
        {
            "subset": name,
            "rows": int(rows.sum()),
            **overall(
                test._replace(gold=test.gold[rows], logits=test.logits[rows]),
                found.probabilities[rows],
                found.decision.limits,
            ),
        }
        for name, rows in subset_masks(test.gold, test.labels, *texts, seed).items()
    ]


def _label_counts(root: Path, labels: LabelSet) -> list[Row]:
    """Rows that carry each label, where the label is counted."""
    columns = {
        "train": _read(root, SPLIT, "train", "labels"),
        "undersampled": _read(root, UNDERSAMPLED, "train", "labels"),
        "balanced": _read(root, BALANCED, "rows", "labels"),
        "validation": _read(root, SPLIT, "validation", "labels"),
        "test": _read(root, SPLIT, "test", "labels"),
    }
    counts = {
        name: Counter(label for row in rows for label in row) for name, rows in columns.items()
    }
    return [
        {"label": label, **{name: found[label] for name, found in counts.items()}}
        for label in labels.names
    ]


def _thresholds(found: Evaluation, counts: list[Row], train_rows: int) -> list[Row]:
    """Where each row carries exactly one label, the rows have no threshold."""
    limits = found.decision.limits
    return [
        {
            "label": row["label"],
            **({} if limits is None else {"threshold": metrics.rounded(limits[place])}),
            "train_share": metrics.rounded(row["train"] / train_rows),
            "validation_positives": row["validation"],
        }
        for place, row in enumerate(counts)
    ]


def _calibration(found: Evaluation) -> list[Row]:
    choice = found.decision.choice
    return [
        {"method": name, "cross_validated_nll": nll, "chosen": name == choice.calibration.method}
        for name, nll in choice.nll.items()
    ]


def _read(root: Path, folder: Path, name: str, column: str):
    return files.read_parquet(root / folder / f"{name}.parquet", (column,))[column]
