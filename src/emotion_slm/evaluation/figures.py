"""The plots of stage evaluate, each from the files and metrics it shows."""

from collections import Counter

import numpy as np
from scipy.special import expit

from emotion_slm import paths
from emotion_slm.balance.rows import read_balanced
from emotion_slm.evaluation import plots
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.files import read_parquet
from emotion_slm.labels import LABELS


def draw(test_metrics: dict, test: Scored, probabilities: np.ndarray) -> None:
    """Write the PNG files of metrics/plots. `probabilities`: (n, 28), calibrated, of test."""
    natural = {name: _counts(_labels(name)) for name in paths.SPLITS}
    balanced = _counts(read_balanced(paths.BALANCED)[1]["labels"])
    plots.corpus_imbalance(sum(natural.values(), Counter()), paths.PLOTS / "corpus_imbalance.png")
    plots.label_frequency(
        {
            "train (balanced)": balanced,
            "validation": natural["validation"],
            "test": natural["test"],
        },
        paths.PLOTS / "label_frequency.png",
        "Rows per label",
    )
    curves = {name: paths.PLOTS / f"{name}_curve.csv" for name in ("adapt", "finetune")}
    plots.training_curve(curves, paths.PLOTS / "training_curve.png")
    plots.per_label_f1(test_metrics, paths.PLOTS / "per_label_f1.png")
    plots.precision_recall(test.gold, probabilities, paths.PLOTS / "precision_recall.png")
    raw = expit(test.logits)
    plots.reliability(test.gold, raw, probabilities, paths.PLOTS / "reliability.png")


def _labels(split: str):
    return read_parquet(paths.SPLIT / f"{split}.parquet", ("labels",))["labels"]


def _counts(label_lists) -> Counter[str]:
    counts = Counter(label for labels in label_lists for label in labels)
    return Counter({label: counts[label] for label in LABELS})
