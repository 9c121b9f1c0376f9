"""The test rows of each finished arm and seed, looked at once → test.csv.

    python -m tweeteval.looks WORKSPACE

Calibrated on validation; an arm and seed that test.csv has is not looked at again, so its lines are
all the looks there were.
"""

import sys
from pathlib import Path

import numpy as np

from emotion_slm.common import paths
from emotion_slm.common.params import Document
from emotion_slm.evaluation.evaluate import evaluate
from emotion_slm.evaluation.params import EvaluateParams
from tweeteval.runs import (
    DECISION_SEED,
    KEPT,
    RESULTS,
    append,
    done,
    read_arms,
    read_rows,
    waiting,
)

LOOKS = Path("test.csv")
METRICS = (
    "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy", "accuracy_low", "accuracy_high", "ece",
    "nll",
)  # fmt: skip


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tweeteval.looks WORKSPACE")
    workspace = Path(sys.argv[1])
    labels, rows = read_rows(workspace)
    document = Document.read(workspace / paths.PARAMS)
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    finished = done(RESULTS)
    for arm, seed in waiting(read_arms()[1], LOOKS):
        if (arm.name, seed) not in finished:
            continue
        logits = np.load(KEPT / f"{arm.stem(seed)}.npz")
        parts = [rows[split].scored(logits[split], labels) for split in ("validation", "test")]
        found = evaluate(*parts, thresholds, DECISION_SEED)
        scores = {name: f"{found.test[name]:.6f}" for name in METRICS}
        per_label = {row["label"]: f"{row['f1']:.6f}" for row in found.per_label}
        row = {"arm": arm.name, "seed": seed, **scores, **per_label}
        append(LOOKS, list(row), row)
        print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
