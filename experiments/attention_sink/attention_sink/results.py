"""Scores of the arms, each seed by itself, and paired differences → results.csv, differences.csv.

    python -m attention_sink.results WORKSPACE SMOLLM2

Mean average precision on validation rows that neither trained an arm nor picked its epoch.
Intervals are bootstraps over those rows, equal texts together, of the mean over seeds; `low_seed`
and `high_seed` are the seeds that scored least and most. A replicate holds rows twice, which raises
average precision: its intervals are moved back by how far the replicates' mean is from the score.
"""

import sys
from pathlib import Path

import numpy as np

from attention_sink.arms import Arm, Experiment, Sets, read_sets
from attention_sink.train import CURVES, LOGITS, done
from emotion_slm.common.files import read_array, write_csv
from emotion_slm.common.ranking import mean_average_precision
from emotion_slm.common.seeds import child_seed
from emotion_slm.evaluation.bootstrap import interval

RESULTS, DIFFERENCES = Path("results.csv"), Path("differences.csv")
RESULT_COLUMNS = ("name", "seeds", "map", "low", "high", "low_seed", "high_seed")
DIFFERENCE_COLUMNS = ("first", "second", "seeds", "difference", "low", "high")
PAIRS = (
    ("minilm-cls", "minilm-none"),
    ("minilm-cls", "linear"),
    ("smollm2-bos", "smollm2-none"),
    ("smollm2-bos", "minilm-cls"),
    ("smollm2-bos", "mlp"),
    ("smollm2-bos", "linear"),
    ("mlp", "linear"),
)


def weighted_maps(gold: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(replicates,) mean average precision of (n, labels) scores, row i counting weights[:, i]
    times, over the labels that have positives in the replicate. Ties count as one threshold.

    gold: (n, labels) in {0, 1}; weights: (replicates, n) float32, which holds such counts exactly.
    """
    precisions = np.full((len(weights), gold.shape[1]), np.nan)
    for label in range(gold.shape[1]):
        positives = np.flatnonzero(gold[:, label])
        own = scores[:, label]
        above = (own[:, None] >= own[positives]).astype(np.float32)  # (n, positives)
        drawn = weights[:, positives]
        precision = drawn @ above[positives] / np.maximum(weights @ above, 1)
        count = drawn.sum(axis=1)
        total = (drawn * precision).sum(axis=1)
        np.divide(total, count, out=precisions[:, label], where=count > 0)
    return np.nanmean(precisions, axis=1)


def replicates(sets: Sets, count: int, seed: int) -> np.ndarray:
    """(count, n) how often each row of `score` was drawn, groups of equal texts together."""
    _, group = np.unique(sets.groups, return_inverse=True)
    random = np.random.default_rng(child_seed(seed, "attention sink bootstrap"))
    size = group.max() + 1
    draws = [
        np.bincount(random.integers(size, size=size), minlength=size)[group] for _ in range(count)
    ]
    return np.array(draws, dtype=np.float32)


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m attention_sink.results WORKSPACE SMOLLM2")
    experiment = Experiment.read(Path("../.."), Path(sys.argv[2]))
    params = experiment.params
    sets = read_sets(Path(sys.argv[1]), params["rows"])
    weights = replicates(sets, params["replicates"], params["rows"]["seed"])
    gold, finished = sets.score.gold, done(CURVES)
    observed, drawn = {}, {}
    for arm in filter(finished.__contains__, experiment.arms()):
        scores = read_array(arm.scratch / LOGITS)
        observed[arm] = mean_average_precision(gold, scores)
        drawn[arm] = weighted_maps(gold, scores, weights)
    names = [name for name in params["arms"] if any(arm.name == name for arm in observed)]
    write_csv(RESULTS, RESULT_COLUMNS, [result(name, observed, drawn) for name in names])
    pairs = [pair for pair in PAIRS if set(pair) <= set(names)]
    write_csv(
        DIFFERENCES, DIFFERENCE_COLUMNS, [difference(*pair, observed, drawn) for pair in pairs]
    )


def result(name: str, observed: dict[Arm, float], drawn: dict[Arm, np.ndarray]) -> dict:
    """The line of an arm, all its seeds together."""
    own = [arm for arm in observed if arm.name == name]
    scores = [observed[arm] for arm in own]
    low, high = around(np.mean(scores), np.mean([drawn[arm] for arm in own], axis=0))
    values = len(own), np.mean(scores), low, high, min(scores), max(scores)
    return dict(zip(RESULT_COLUMNS, (name, *values), strict=True))


def difference(
    first: str, second: str, observed: dict[Arm, float], drawn: dict[Arm, np.ndarray]
) -> dict:
    """First minus second over the seeds that both have, on the same replicates."""
    seeds = sorted(
        {arm.seed for arm in observed if arm.name == first}
        & {arm.seed for arm in observed if arm.name == second}
    )
    pairs = [(Arm(first, seed), Arm(second, seed)) for seed in seeds]
    gap = np.mean([observed[one] - observed[other] for one, other in pairs])
    low, high = around(gap, np.mean([drawn[one] - drawn[other] for one, other in pairs], axis=0))
    return dict(zip(DIFFERENCE_COLUMNS, (first, second, len(seeds), gap, low, high), strict=True))


def around(observed: float, drawn: np.ndarray) -> tuple[float, float]:
    """The interval of the replicates, moved so that their mean is what was observed."""
    low, high = interval(drawn - drawn.mean() + observed)
    return float(low), float(high)


if __name__ == "__main__":
    main()
