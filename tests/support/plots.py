"""Material for the tests of figures."""

import csv
from pathlib import Path

from emotion_slm.corpus.labels import LABELS
from emotion_slm.plots.training import CURVE_COLUMNS


def write_curve(path: Path, epochs: int, columns=CURVE_COLUMNS) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for epoch in range(1, epochs + 1):
            writer.writerow([epoch, *[1 / epoch] * (len(columns) - 1)])
    return path


def label_metrics() -> dict:
    """What `per_label_f1` reads of metrics/test.json; grief has few positives."""
    return {
        "macro_f1": 0.5,
        "per_label": {
            label: {
                "f1": 0.5,
                "f1_interval": [0.4, 0.55],
                "support": 19 if label == "grief" else 1000 + place,
                "few_positives": label == "grief",
            }
            for place, label in enumerate(LABELS)
        },
    }
