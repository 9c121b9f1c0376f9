"""The results files as the tables of RESULTS.md."""

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from markdown_tables import decimals, signed, table

SCREEN, FOLDS = "results.csv", "folds.csv"
SCORES = ("validation_map", "macro_f1", "nll")
COMPARED = SCORES[:2]


def read_tables(folder: Path) -> dict[str, str]:
    """Name of a table → its Markdown, from the results files in `folder`."""
    return {
        "screen": compared(read_results(folder / SCREEN), "base", "seeds"),
        "folds": compared(read_results(folder / FOLDS), "gamma 4, two epochs", "folds"),
    }


def read_results(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def compared(results: Sequence[dict[str, str]], base: str, unit: str) -> str:
    """A line per arm, means over its seeds or folds, in the order in which arms first appear.

    Differences are those of the seeds or folds that an arm shares with the base, their range
    behind the mean where there are several.
    """
    references = {row["seed"]: row for row in results if row["arm"] == base}
    names = ["mAP", "macro-F1"]
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in results):
        rows = [row for row in results if row["arm"] == arm]
        scores = [mean(float(row[name]) for row in rows) for name in SCORES]
        cells = [decimals(scores[0]), decimals(scores[1]), f"{scores[2]:.4f}".removeprefix("0")]
        pairs = [(row, references[row["seed"]]) for row in rows if row["seed"] in references]
        for name in COMPARED:
            differences = [float(row[name]) - float(other[name]) for row, other in pairs]
            cells.append("" if arm == base else _difference(differences))
        lines.append([arm, len(rows), *cells])
    return table(["arm", unit, *names, "NLL", *(f"{name} − base" for name in names)], lines)


def _difference(values: Sequence[float]) -> str:
    if len(values) < 2:
        return "".join(map(signed, values))
    return f"{signed(mean(values))} ({signed(min(values))} to {signed(max(values))})"
