"""The plots of stage evaluate, each from the files and metrics it shows."""

from collections import Counter
from pathlib import Path

import numpy as np
from scipy.special import expit

from emotion_slm import paths
from emotion_slm.balance.rows import read_balanced
from emotion_slm.evaluation import plots
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.report import SAMPLE_CAPTION
from emotion_slm.files import read_parquet
from emotion_slm.labels import LABELS


def draw(test_metrics: dict, test: Scored, probabilities: np.ndarray) -> None:
    """Write the PNG files of metrics/plots. `probabilities`: (n, 28), calibrated, of test."""
    natural = {name: _counts(_labels(name)) for name in paths.SPLITS}
    balanced = _counts(read_balanced(paths.BALANCED)[1]["labels"])
    by_split = {
        "train (balanced)": balanced,
        "validation": natural["validation"],
        "test": natural["test"],
    }
    curves = {name: paths.PLOTS / f"{name}_curve.csv" for name in ("adapt", "finetune")}
    raw = expit(test.logits)
    note = SAMPLE_CAPTION if test_metrics["corpus"] == "sample" else ""

    def png(name: str) -> Path:
        return paths.PLOTS / f"{name}.png"

    plots.corpus_imbalance(sum(natural.values(), Counter()), png("corpus_imbalance"), note)
    plots.label_frequency(by_split, png("label_frequency"), note)
    plots.training_curve(curves, png("training_curve"), note)
    plots.per_label_f1(test_metrics, png("per_label_f1"), note)
    plots.precision_recall(test.gold, probabilities, png("precision_recall"), note)
    plots.reliability(test.gold, raw, probabilities, png("reliability"), note)


def _labels(split: str):
    return read_parquet(paths.SPLIT / f"{split}.parquet", ("labels",))["labels"]


def _counts(label_lists) -> Counter[str]:
    counts = Counter(label for labels in label_lists for label in labels)
    return Counter({label: counts[label] for label in LABELS})
