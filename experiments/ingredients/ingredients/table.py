"""results.csv as the table of docs/ingredients.md.

python -m ingredients.table
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

BASE = "base"
SCORES = ("validation_map", "macro_f1", "nll")
HEADER = ["ingredient", "seeds", "mAP", "macro-F1", "NLL", "mAP − base", "macro-F1 − base"]


def read_results(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(results: Sequence[dict[str, str]]) -> str:
    """A line per arm, means over its seeds, in the order in which arms first appear.

    Differences are those of the seeds an arm shares with the base, which start from the same
    weights and meet rows in the same order.
    """
    base = {row["seed"]: row for row in results if row["arm"] == BASE}
    lines = [_line(HEADER), _line(["---"] * len(HEADER))]
    for arm in dict.fromkeys(row["arm"] for row in results):
        rows = [row for row in results if row["arm"] == arm]
        scores = [mean(float(row[name]) for row in rows) for name in SCORES]
        shared = [row for row in rows if row["seed"] in base and arm != BASE]
        differences = [
            f"{mean(float(row[name]) - float(base[row['seed']][name]) for row in shared):+.3f}"
            if shared
            else ""
            for name in SCORES[:2]
        ]
        cells = [_points(scores[0]), _points(scores[1]), f"{scores[2]:.4f}".removeprefix("0")]
        lines.append(_line([arm, str(len(rows)), *cells, *map(_signed, differences)]))
    return "\n".join(lines)


def spread(results: Sequence[dict[str, str]], name: str) -> float:
    """The range of a score over the seeds of the base: what chance does."""
    values = [float(row[name]) for row in results if row["arm"] == BASE]
    return max(values) - min(values)


def _points(score: float) -> str:
    return f"{score:.3f}".removeprefix("0")


def _signed(difference: str) -> str:
    return difference.replace("0.", ".", 1).replace("-", "−")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    results = read_results(Path("results.csv"))
    print(table(results))
    for name in SCORES:
        print(f"range of {name} over the base's seeds: {spread(results, name):.4f}")


if __name__ == "__main__":
    main()
