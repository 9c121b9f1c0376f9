"""The files a report is made from, with texts and names that try to break it."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from ruamel.yaml import YAML

from emotion_slm.calibration import thresholds
from emotion_slm.calibration.choice import choose
from emotion_slm.common import paths
from emotion_slm.common.files import write_json, write_parquet
from emotion_slm.corpus.labels import write_corpus
from emotion_slm.evaluation import predictions
from emotion_slm.workbench.page import CAPTIONS
from support.labels import CORPUS, GOEMOTIONS, LABELS, TARGETS, to_names

HOSTILE = "<script>alert(1)</script>"
LONG = "unbreakable" * 40
ROWS = 120
CURVE = "epoch,train_loss,validation_loss,validation_map,validation_macro_f1\n"


def write_run(root: Path, profile: str = HOSTILE, corpus: str = "goemotions") -> None:
    """dvc.lock, metrics/, and the test rows, scores, calibration and thresholds behind it."""
    (logits, gold), (unseen, truth) = (_scored(seed) for seed in (1, 2))
    chosen = choose(logits, gold, 3, 0, np.arange(ROWS))
    tuned = thresholds.tune(chosen.cross_fitted, gold, 0.1, 100)
    predicted = chosen.calibration.apply(unseen) >= tuned.per_label
    write_lock(root, profile, corpus)
    write_metrics(root, _macro_f1(truth, predicted))

    ids = [f"id{row}" for row in range(ROWS)]
    texts = [
        f"row {row} {HOSTILE} <img src=https://example.org/x.png> {LONG}" for row in range(ROWS)
    ]
    frame = pd.DataFrame({"id": ids, "text": texts, "labels": to_names(truth)})
    write_parquet(root / paths.SPLIT / "test.parquet", frame)
    write_corpus(root / paths.RAW, CORPUS)
    predictions.write(root / paths.PREDICTIONS / "test.parquet", ids, unseen, GOEMOTIONS)
    write_json(root / paths.CLASSIFIER / "calibration.json", chosen.calibration.to_dict(LABELS))
    write_json(root / paths.CLASSIFIER / "thresholds.json", tuned.to_dict(LABELS))


def write_lock(root: Path, profile: str, corpus: str) -> None:
    """dvc.lock with what stage evaluate says of the run's origin."""
    params = {
        "profile": profile,
        "split": {"protocol": "pooled"},
        "fetch": {"corpus": corpus},
    }
    stage = {"cmd": "x", "params": {"metrics/params.yaml": params}}
    root.mkdir(parents=True, exist_ok=True)
    YAML(typ="safe").dump({"schema": "2.0", "stages": {"evaluate": stage}}, root / "dvc.lock")


def write_metrics(root: Path, macro_f1: float = 0.5) -> None:
    """Everything below metrics/: figures that could be, of no run but for `macro_f1`."""
    metrics, plots = root / paths.METRICS, root / paths.PLOTS
    contents = {
        "test": {
            "macro_f1": macro_f1, "macro_f1_low": macro_f1 - 0.02, "macro_f1_high": macro_f1 + 0.02,
            "micro_f1": 0.61, "map": 0.55, "auroc": 0.93, "exact_accuracy": 0.42,
            "macro_precision": 0.52, "macro_recall": 0.54, "ece": 0.01, "brier": 0.03,
            "macro_f1_targets": 0.58, "macro_f1_at_half": 0.48, "reference_macro_f1": 0.53,
        },
        "validation": {
            "macro_f1": 0.56, "macro_f1_cross_validated": 0.54, "micro_f1": 0.62, "map": 0.56,
            "nll": 0.11, "ece": 0.009,
        },
        "headline": {"macro_f1": macro_f1},
        "leakage": {
            "rules": 44, "broken": 0, "near_duplicates_in_train": 12,
            "near_duplicates_in_validation": 3,
        },
        "baselines": {
            "majority_macro_f1": 0.02, "majority_micro_f1": 0.3, "tfidf_macro_f1": 0.35,
            "tfidf_micro_f1": 0.5, "tfidf_map": 0.36, "tfidf_ece": 0.02,
        },
        "balance": {
            "rows": 500, "synthetic": 200, "mean_ir_before": 8.0, "mean_ir_after": 1.0,
            "overshoot": 40, "purity": 0.31,
        },
        "split": {
            "train": 300, "validation": ROWS, "test": ROWS, "dropped": 1, "duplicates": 20,
            "near_duplicates": 2,
        },
    }  # fmt: skip
    for name, content in contents.items():
        write_json(metrics / f"{name}.json", content)
    plots.mkdir(parents=True, exist_ok=True)
    for name in CAPTIONS:
        Image.new("RGB", (1200, 600), "steelblue").save(plots / f"{name}.png")
    # Half of the labels have fewer than 100 positives.
    scores = (0.5, 0.6, 0.55, 0.45, 0.65, 0.5, 0.9)
    write_table(
        plots / "per_label.csv",
        "label,target,precision,recall,f1,f1_low,f1_high,ap,auroc,support",
        [
            (label, str(label in TARGETS).lower(), *scores, 50 + 100 * (place % 2))
            for place, label in enumerate(LABELS)
        ],
    )
    write_table(
        plots / "label_counts.csv",
        "label,train,undersampled,balanced,validation,test",
        [(label, 10, 9, 40, 3, 3) for label in LABELS],
    )
    write_table(
        plots / "subsets.csv",
        "subset,rows,macro_f1,micro_f1,map",
        [("published_composition", 100, 0.5, 0.6, 0.5), (HOSTILE, 90, 0.5, 0.6, 0.5)],
    )
    write_table(
        plots / "calibration.csv",
        "method,cross_validated_nll,chosen",
        [("platt", 0.1, "true"), ("isotonic", 0.2, "false")],
    )
    write_table(
        plots / "reliability.csv",
        "bin,raw_mean,raw_observed,calibrated_mean,calibrated_observed,entries",
        [(place, place / 15, place / 30, place / 15, place / 15, 224) for place in range(15)],
    )
    write_table(
        plots / "thresholds.csv",
        "label,threshold,train_share,validation_positives",
        [(label, 0.3, 0.03, 3) for label in LABELS],
    )
    for name in ("adapt_curve", "finetune_curve"):
        (plots / f"{name}.csv").write_text(f"{CURVE}1,0.5,0.6,0.1,0.1\n2,0.25,0.5,0.2,0.2\n")


def write_table(path: Path, header: str, rows: Sequence[Sequence]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([header.split(","), *rows])


def _scored(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 28) logits and gold."""
    random = np.random.default_rng(seed)
    gold = (random.random((ROWS, len(LABELS))) < 0.1).astype(np.int8)
    logits = (random.normal(size=gold.shape) + 3 * gold - 2).astype(np.float32)
    return logits, gold


def _macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return round(f1_score(gold, predicted, average="macro", zero_division=0), 6)
