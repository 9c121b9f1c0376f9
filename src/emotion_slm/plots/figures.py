"""The plots of stage evaluate, each from the files and metrics it shows."""

from collections import Counter
from pathlib import Path

from scipy.special import expit

from emotion_slm.balance.rows import read_balanced
from emotion_slm.calibration.thresholds import f1_curves, threshold_grid
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.assess import Assessment
from emotion_slm.evaluation.tables import SAMPLE_CAPTION
from emotion_slm.plots.confusion import confusion, confusions
from emotion_slm.plots.labels import corpus_imbalance, label_frequency, per_label_f1
from emotion_slm.plots.panels import precision_recall, threshold_curves
from emotion_slm.plots.reliability import reliability
from emotion_slm.plots.training import training_curve

CURVE_STEP = 0.01  # between the thresholds at which F1 is drawn


def draw(test_metrics: dict, assessment: Assessment) -> None:
    """Write the PNG files of metrics/plots. `test_metrics`: the content of metrics/test.json."""
    natural = {name: _counts(_labels(name)) for name in paths.SPLITS}
    balanced = _counts(read_balanced(paths.BALANCED)[1]["labels"])
    by_split = {
        "train (balanced)": balanced,
        "validation": natural["validation"],
        "test": natural["test"],
    }
    curves = {name: paths.PLOTS / f"{name}_curve.csv" for name in ("adapt", "finetune")}
    result, validation, test = assessment[:3]
    probabilities = result.calibration.apply(test.logits)
    predicted = probabilities >= result.thresholds.per_label
    grid = threshold_grid(CURVE_STEP)
    validation_f1 = f1_curves(result.cross_fitted, validation.gold, grid)
    note = SAMPLE_CAPTION if test_metrics["corpus"] == "sample" else ""

    def png(name: str) -> Path:
        return paths.PLOTS / f"{name}.png"

    corpus_imbalance(sum(natural.values(), Counter()), png("corpus_imbalance"), note)
    label_frequency(by_split, png("label_frequency"), note)
    training_curve(curves, png("training_curve"), note)
    per_label_f1(test_metrics, png("per_label_f1"), note)
    precision_recall(test.gold, test.logits, png("precision_recall"), note)
    reliability(test.gold, expit(test.logits), probabilities, png("reliability"), note)
    confusions(confusion(test.gold, predicted), png("confusions"), note)
    threshold_curves(grid, validation_f1, result.thresholds, png("threshold_curves"), note)


def _labels(split: str):
    return read_parquet(paths.SPLIT / f"{split}.parquet", ("labels",))["labels"]


def _counts(label_lists) -> Counter[str]:
    counts = Counter(label for labels in label_lists for label in labels)
    return Counter({label: counts[label] for label in LABELS})
