"""Stage summary: folds.csv → results.csv, differences.csv, overall.json.

A win is an interval on ISMOTE's better side of 0, a loss one on the other, a tie one that covers 0.
"""

import json
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from sampler_comparison.intervals import Interval, over_folds, over_problems
from sampler_comparison.names import ALL, MOVED, NONE, OURS
from sampler_comparison.scores import METRICS

RESULTS, DIFFERENCES, OVERALL = (
    Path(name) for name in ("results.csv", "differences.csv", "overall.json")
)
VERDICTS = {"wins": "win", "ties": "tie", "losses": "loss"}


def results(folds: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, classifier, sampler and metric, over the folds that did not fail.

    `failed` counts the folds in which the sampler raised an error, `unchanged` those in which it
    silently added no row.
    """
    keys = ["problem", "classifier", "sampler"]
    folds = folds.assign(
        failed=folds["failure"] != "",
        unchanged=(folds["synthetic"] == 0) & ~folds["sampler"].isin([NONE, MOVED]),
    )
    counts = folds.groupby(keys, sort=False)[["failed", "unchanged"]].sum()
    long = folds.melt(keys, list(METRICS), "metric", "value")
    scores = long.groupby([*keys, "metric"], sort=False)["value"].agg(mean="mean", sd="std")
    return scores.reset_index().merge(counts.reset_index(), on=keys)


def differences(folds: pd.DataFrame, splits: int, confidence: float) -> pd.DataFrame:
    """ISMOTE minus each rival, per problem, classifier (and ALL) and metric, paired by fold.

    A fold in which either sampler failed is left out; `folds` counts those that remain.
    """
    metrics = list(METRICS)
    means = folds.groupby(["problem", "fold", "sampler"], sort=False)[metrics].mean()
    folds = pd.concat([folds, means.reset_index().assign(classifier=ALL)])
    rivals = [sampler for sampler in folds["sampler"].unique() if sampler != OURS]
    rows = []
    for (problem, classifier), block in folds.groupby(["problem", "classifier"], sort=False):
        scores = block.pivot(index="fold", columns="sampler", values=metrics)
        for metric, higher_is_better in METRICS.items():
            for rival in rivals:
                paired = (scores[metric, OURS] - scores[metric, rival]).dropna().to_numpy()
                interval = over_folds(paired, 1 / (splits - 1), confidence)
                rows.append(
                    {
                        "problem": problem,
                        "classifier": classifier,
                        "rival": rival,
                        "metric": metric,
                        "folds": len(paired),
                        **interval._asdict(),
                        "verdict": verdict(interval, higher_is_better),
                    }
                )
    return pd.DataFrame(rows)


def verdict(interval: Interval, higher_is_better: bool) -> str:
    if interval.low <= 0 <= interval.high:
        return "tie"
    return "win" if (interval.mean > 0) == higher_is_better else "loss"


def overall(differences: pd.DataFrame, results: pd.DataFrame, confidence: float) -> dict:
    """Intervals of the mean difference over problems, verdicts counted, and mean ranks.

    Under ALL the interval is that of the problems' means over classifiers, and the verdicts are
    those of every problem and classifier.
    """
    nested: dict = {}
    keys = ["metric", "rival", "classifier"]
    for (metric, rival, classifier), block in differences.groupby(keys, sort=False):
        interval = over_problems(block["mean"].to_numpy(), confidence)
        cells = block
        if classifier == ALL:
            same = (differences["metric"] == metric) & (differences["rival"] == rival)
            cells = differences[same & (differences["classifier"] != ALL)]
        counts = {name: int((cells["verdict"] == one).sum()) for name, one in VERDICTS.items()}
        entry = {name: round(value, 6) for name, value in interval._asdict().items()} | counts
        nested.setdefault(metric, {}).setdefault(rival, {})[classifier] = entry
    return {"differences": nested, "ranks": ranks(results)}


def ranks(results: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Metric → sampler → its rank, 1 for the best, averaged over problems and classifiers."""
    samplers = results[results["sampler"] != MOVED]
    names = samplers["sampler"].unique()
    averages = {}
    for metric, higher_is_better in METRICS.items():
        cells = samplers[samplers["metric"] == metric].pivot(
            index=["problem", "classifier"], columns="sampler", values="mean"
        )
        rank = cells.rank(axis=1, ascending=not higher_is_better).mean()[names]
        averages[metric] = {name: round(float(value), 3) for name, value in rank.items()}
    return averages


def read_folds(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"failure": str}).fillna({"failure": ""})


def main() -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    splits, confidence = params["folds"]["splits"], params["confidence"]
    folds = read_folds(Path("folds.csv"))
    means = results(folds)
    paired = differences(folds, splits, confidence)
    for path, frame in ((RESULTS, means), (DIFFERENCES, paired)):
        frame.to_csv(path, index=False, float_format="%.6f", lineterminator="\n")
    summary = json.dumps(overall(paired, means, confidence), indent=2)
    OVERALL.write_text(f"{summary}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
