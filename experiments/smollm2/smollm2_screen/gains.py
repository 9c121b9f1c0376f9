"""What each teacher brings: mAP of students of one teacher less another's → gains.csv.

    python -m smollm2_screen.gains WORKSPACE

After `smollm2_screen.distilled`, whose students' logits it reads: rows that no teacher and no
student has read. Means over the students' seeds; intervals over rows, equal texts drawn together.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from emotion_slm.common import paths
from emotion_slm.common.files import write_csv
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.evaluation.bootstrap import interval
from smollm2_screen.distilled import guard, logits_path, parts

RESULTS = Path("gains.csv")
COLUMNS = ("teacher", "against", "map", "low", "high")
PAIRS = (("minilm", "nobody"), ("smollm2", "nobody"), ("smollm2", "minilm"), ("both", "minilm"))
REPLICATES, SEED = 1000, 0


class Ranking:
    """A label's rows, the highest score first; its average precision under weights of rows."""

    def __init__(self, gold: np.ndarray, scores: np.ndarray):
        """(n,) in {0, 1}; (n,) scores, of equals the first comes first."""
        self.order = np.argsort(-scores, kind="stable")
        self.gold = gold[self.order] > 0

    def average_precision(self, weights: np.ndarray) -> float:
        """Of (n,) weights ≥ 0 in the rows' own order; 0 where no positive has weight."""
        weights = weights[self.order]
        hits = np.where(self.gold, weights, 0)
        if not hits.any():
            return 0.0
        precision = np.cumsum(hits) / np.maximum(np.cumsum(weights), 1)
        return float(hits @ precision / hits.sum())


def draws(groups: np.ndarray, replicates: int) -> Iterator[np.ndarray]:
    """(n,) weights: all ones, then how often each row's group was drawn, in each replicate."""
    yield np.ones(len(groups))
    _, numbers = np.unique(groups, return_inverse=True)
    count = numbers.max() + 1
    random = np.random.default_rng(SEED)
    for _ in range(replicates):
        yield np.bincount(random.integers(count, size=count), minlength=count)[numbers]


def maps(gold: np.ndarray, logits: Sequence[np.ndarray], groups, replicates: int) -> np.ndarray:
    """(1 + replicates,) mean average precision, the mean over `logits`; the first of all rows."""
    rankings = [
        [Ranking(gold[:, label], scores[:, label]) for label in range(gold.shape[1])]
        for scores in logits
    ]
    return np.array([
        np.mean([[one.average_precision(weights) for one in labels] for labels in rankings])
        for weights in draws(groups, replicates)
    ])  # fmt: skip


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m smollm2_screen.gains WORKSPACE")
    workspace = Path(sys.argv[1])
    params = YAML(typ="safe").load(Path("params.yaml"))["distillation"]
    paths_of = {
        name: [logits_path(name, seed) for seed in params["seeds"]]
        for name in dict.fromkeys(name for pair in PAIRS for name in pair)
    }
    if missing := [path for found in paths_of.values() for path in found if not path.exists()]:
        raise SystemExit(f"{missing[0]}: no such file; run smollm2_screen.distilled first")
    labels = load_corpus(workspace / paths.RAW).labels
    data = parts(workspace, labels, params)
    guard(params, data)
    judged = data.judged
    gold, groups = labels.to_matrix(judged["labels"]), rows_together(judged)
    scores = {
        name: maps(gold, [np.load(path) for path in found], groups, REPLICATES)
        for name, found in paths_of.items()
    }
    rows = []
    for teacher, against in PAIRS:
        gain = scores[teacher] - scores[against]
        low, high = interval(gain[1:])
        values = (f"{value:+.4f}" for value in (gain[0], low, high))
        rows.append(dict(zip(COLUMNS, (teacher, against, *values), strict=True)))
    write_csv(RESULTS, COLUMNS, rows)


if __name__ == "__main__":
    main()
