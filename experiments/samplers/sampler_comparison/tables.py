"""Stage tables: the results files → tables.md, the tables that RESULTS.md shows."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markdown_tables import decimals, sections, signed, table

from sampler_comparison.catalogue import CATALOGUE
from sampler_comparison.names import ALL, MOVED, NONE
from sampler_comparison.scores import METRICS
from sampler_comparison.summary import DIFFERENCES, OVERALL, RESULTS

OUTPUT = Path("tables.md")
HEADINGS = {"f1": "F1", "g_mean": "G-mean", "auc": "AUC", "brier": "Brier (lower is better)"}
# Moving the threshold leaves these as they are.
WITHOUT_THRESHOLD = ("auc", "brier")


def problems() -> str:
    rows = []
    for problem in CATALOGUE:
        X, y = problem.make()
        positive = int(y.sum())
        sizes = [f"{len(y):,}", X.shape[1], positive, f"{(len(y) - positive) / positive:.1f}"]
        rows.append([problem.name, *sizes, problem.source, problem.reason])
    head = ["problem", "rows", "features", "positives", "imbalance ratio", "made by", "why"]
    return table(head, rows)


def scores(results: pd.DataFrame, ranks: dict) -> str:
    """Means over problems and classifiers, with the mean rank among the samplers."""
    means = results.groupby(["sampler", "metric"], sort=False)["mean"].mean()
    rows = []
    for sampler in results["sampler"].unique():
        cells = [
            as_none(sampler, metric)
            or f"{decimals(means[sampler, metric])}{_rank(ranks[metric].get(sampler))}"
            for metric in METRICS
        ]
        rows.append([sampler, *cells])
    return table(["sampler", *HEADINGS.values()], rows)


def against(overall: dict) -> str:
    """ISMOTE minus each rival, over problems and classifiers."""
    rows = [
        [
            rival,
            *(as_none(rival, metric) or cell(overall[metric][rival][ALL]) for metric in METRICS),
        ]
        for rival in overall["f1"]
    ]
    return table(["ISMOTE minus", *HEADINGS.values()], rows)


def by_classifier(overall: dict, rivals: Sequence[str] = (NONE, MOVED, "SMOTE")) -> str:
    rows = [
        [
            classifier,
            rival,
            *(
                as_none(rival, metric) or cell(overall[metric][rival][classifier])
                for metric in METRICS
            ),
        ]
        for classifier in overall["f1"][NONE]
        if classifier != ALL
        for rival in rivals
    ]
    return table(["classifier", "ISMOTE minus", *HEADINGS.values()], rows)


def failures(results: pd.DataFrame, differences: pd.DataFrame) -> str:
    """Folds lost per sampler and problem; problems without any are not listed."""
    once = results.drop_duplicates(["problem", "sampler"])
    lost = once[(once["failed"] > 0) | (once["unchanged"] > 0)]
    folds = differences["folds"].max()
    rows = [
        [row.problem, row.sampler, f"{row.failed} of {folds}", f"{row.unchanged} of {folds}"]
        for row in lost.itertuples()
    ]
    return table(["problem", "sampler", "folds failed", "folds left unchanged"], rows)


def tables(results: pd.DataFrame, differences: pd.DataFrame, overall: dict) -> dict[str, str]:
    """Name of a table → its Markdown."""
    return {
        "problems": problems(),
        "scores": scores(results, overall["ranks"]),
        "against": against(overall["differences"]),
        "by classifier": by_classifier(overall["differences"]),
        "failures": failures(results, differences),
    }


def read_tables(folder: Path) -> dict[str, str]:
    """The tables made from the results files in `folder`."""
    return tables(
        pd.read_csv(folder / RESULTS),
        pd.read_csv(folder / DIFFERENCES),
        json.loads((folder / OVERALL).read_text(encoding="utf-8")),
    )


def cell(entry: dict) -> str:
    """A mean, its interval, and wins/ties/losses."""
    counts = f"{entry['wins']}/{entry['ties']}/{entry['losses']}"
    low, high = signed(entry["low"]), signed(entry["high"])
    return f"{signed(entry['mean'])} [{low}, {high}] {counts}"


def as_none(sampler: str, metric: str) -> str:
    return "as none" if sampler == MOVED and metric in WITHOUT_THRESHOLD else ""


def _rank(value: float | None) -> str:
    return "" if value is None else f" ({value:.1f})"


def main() -> None:
    OUTPUT.write_text(sections(read_tables(Path())), encoding="utf-8")


if __name__ == "__main__":
    main()
