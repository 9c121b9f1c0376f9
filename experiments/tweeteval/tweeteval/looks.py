"""The test rows of each finished arm and seed, looked at once → test.csv.

    python -m tweeteval.looks WORKSPACE

Calibrated on validation; an arm and seed that test.csv has keeps its line, so its lines are all the
looks that could have chosen anything. summary.csv has the mean of each arm's seeds, and each arm
less the last, with the 95 % intervals of test rows.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emotion_slm.common import paths
from emotion_slm.common.params import Document
from emotion_slm.common.ranking import macro_f1, most_probable
from emotion_slm.evaluation.bootstrap import (
    REPLICATES,
    interval,
    paired_difference,
    replicate_scores,
)
from emotion_slm.evaluation.evaluate import evaluate
from emotion_slm.evaluation.params import EvaluateParams
from tweeteval.runs import (
    DECISION_SEED,
    KEPT,
    RESULTS,
    Rows,
    append,
    done,
    read_arms,
    read_rows,
)

LOOKS, SUMMARY = Path("test.csv"), Path("summary.csv")
METRICS = (
    "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy", "accuracy_low", "accuracy_high", "ece",
    "nll",
)  # fmt: skip


def summary(given: Mapping[str, Sequence[np.ndarray]], rows: Rows) -> list[dict[str, object]]:
    """Macro-F1 of arms, (n, labels) bool predictions per seed: means over the seeds, and each mean
    less that of the last arm."""
    lines, last = [], list(given)[-1]
    for arm, seeds in given.items():
        scores = replicate_scores(seeds, rows.gold, rows.groups, seed=DECISION_SEED).macro_f1
        mean = np.mean([macro_f1(rows.gold, one) for one in seeds])
        lines.append((arm, mean, *interval(scores.mean(axis=0))))
    for arm in [arm for arm in given if arm != last]:
        gap = paired_difference(
            given[arm], given[last], rows.gold, rows.groups, REPLICATES, DECISION_SEED
        )
        lines.append((f"{arm} less {last}", *gap))
    return [
        {"what": what, "macro_f1": f"{value:.6f}", "low": f"{low:.6f}", "high": f"{high:.6f}"}
        for what, value, low, high in lines
    ]


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tweeteval.looks WORKSPACE")
    workspace = Path(sys.argv[1])
    labels, rows = read_rows(workspace)
    document = Document.read(workspace / paths.PARAMS)
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    finished, seen = done(RESULTS), done(LOOKS)
    given: dict[str, list[np.ndarray]] = {}
    for arm in read_arms()[1]:
        for seed in arm.seeds:
            if (arm.name, seed) not in finished:
                continue
            logits = np.load(KEPT / f"{arm.stem(seed)}.npz")
            parts = [rows[split].scored(logits[split], labels) for split in ("validation", "test")]
            found = evaluate(*parts, thresholds, DECISION_SEED)
            given.setdefault(arm.name, []).append(most_probable(found.probabilities) > 0)
            if (arm.name, seed) in seen:
                continue
            scores = {name: f"{found.test[name]:.6f}" for name in METRICS}
            per_label = {row["label"]: f"{row['f1']:.6f}" for row in found.per_label}
            row = {"arm": arm.name, "seed": seed, **scores, **per_label}
            append(LOOKS, list(row), row)
            print(*row.values(), flush=True)
    SUMMARY.unlink(missing_ok=True)
    for line in summary(given, rows["test"]):
        append(SUMMARY, list(line), line)
        print(*line.values())


if __name__ == "__main__":
    main()
