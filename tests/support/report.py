"""The files a report is made from, with texts and names that try to break it."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common import paths
from emotion_slm.common.files import write_json, write_parquet
from emotion_slm.corpus.labels import LABELS, to_names
from emotion_slm.evaluation import metrics, predictions
from emotion_slm.evaluation.evaluate import Scored, evaluate
from emotion_slm.package.package import CALIBRATION, THRESHOLDS
from emotion_slm.workbench.page import SHOWN

HOSTILE = "<script>alert(1)</script>"
LONG = "unbreakable" * 40
ROWS = 120


def write_run(root: Path, profile: str = HOSTILE, corpus: str = "goemotions") -> None:
    """metrics/, and the test rows, scores, calibration and thresholds they were computed from."""
    validation, test = (_scored(seed) for seed in (1, 2))
    params = ThresholdParams(grid_step=0.1, folds=3, shrinkage=100)
    result = evaluate(validation, test, params, seed=0)
    origin = {"profile": profile, "corpus": corpus, "protocol": "pooled"}
    view = {"rows": 100, "macro_f1": 0.5, "micro_f1": 0.6, "map": 0.5}
    views = {"published_composition": view, "without_texts_seen_in_train": view}
    reference = {"adapt_head": result.test}
    majority = metrics.evaluate(test.gold, np.zeros(test.gold.shape), np.full(len(LABELS), 0.5))
    contents = {
        "test": {**origin, **result.test, "views": views, "reference": reference},
        "leakage": {
            "passed": True,
            "must_be_zero": {"ids_in_several_splits": 0, HOSTILE: 0},
            "findings": {"near_duplicates": {"joy": 3, "fear": 0}, "pairs": [HOSTILE, LONG]},
            "examples": {HOSTILE: [HOSTILE]},
        },
        "baselines": {"majority": majority, "tfidf_logistic": result.test},
        "balance": {
            "rows": {"train": 300, "synthetic": 200},
            "mean_ir": {"before": 8.0, "after": 1.0},
            "per_label": {label: {"before": 10, "after": 40} for label in LABELS},
        },
        "split": {"rows": {"train": 300, "validation": ROWS, "test": ROWS}},
    }
    for name, content in contents.items():
        write_json(root / paths.METRICS / f"{name}.json", content)
    (root / paths.PLOTS).mkdir(parents=True)
    for name in SHOWN:
        Image.new("RGB", (1200, 600), "steelblue").save(root / paths.PLOTS / f"{name}.png")

    ids = [f"id{row}" for row in range(ROWS)]
    texts = [
        f"row {row} {HOSTILE} <img src=https://example.org/x.png> {LONG}" for row in range(ROWS)
    ]
    frame = pd.DataFrame({"id": ids, "text": texts, "labels": to_names(test.gold)})
    write_parquet(root / paths.SPLIT / "test.parquet", frame)
    predictions.write(root / paths.PREDICTIONS / "test.parquet", ids, test.logits)
    write_json(root / paths.CLASSIFIER / CALIBRATION, result.calibration.to_dict(LABELS))
    write_json(root / paths.CLASSIFIER / THRESHOLDS, result.thresholds.to_dict(LABELS))


def _scored(seed: int) -> Scored:
    random = np.random.default_rng(seed)
    gold = (random.random((ROWS, len(LABELS))) < 0.1).astype(np.int8)
    logits = (random.normal(size=gold.shape) + 3 * gold - 2).astype(np.float32)
    return Scored(logits, gold, np.arange(ROWS))
