"""Stage tables: the results files → table.md, the tables that RESULTS.md shows."""

from pathlib import Path

import pandas as pd
from markdown_tables import decimals, sections, table

from emotion_slm.common.files import read_json
from published_protocol.layout import ARMS, AUDIT, HONEST, LEAKED, PER_LABEL, RESULTS, TABLE
from published_protocol.scores import HALF, SAME_ROWS, TEST, TUNED

SHARES = {
    "seed_in_validation_or_test": "synthetic rows whose seed is a validation or test row",
    "seed_or_neighbour_in_validation_or_test": "… whose seed or neighbour is one",
    "test_rows_with_child": "test rows that are the seed of a row in train",
    "test_rows_that_are_a_parent": "… that are the seed or the neighbour of one",
}


def scores(results: dict) -> str:
    views = {
        "leaked": (LEAKED, TEST),
        "honest": (HONEST, TEST),
        "honest, on the leaked arm's test rows": (HONEST, SAME_ROWS),
    }
    rows = [
        [
            name,
            *(
                spread(results[arm]["scores"][view][thresholds][f"{average}_f1"])
                for thresholds in (HALF, TUNED)
                for average in ("macro", "micro")
            ),
        ]
        for name, (arm, view) in views.items()
    ]
    averages = ["macro-F1 at ½", "micro-F1 at ½", "macro-F1, tuned", "micro-F1, tuned"]
    return table(["arm", *averages], rows)


def leak(results: dict) -> str:
    """Rows, and how many of them descend from held-out rows."""
    counts = {
        "train": "original train rows in the split",
        "trained_on": "rows trained on, synthetic ones included",
        "synthetic": "synthetic rows",
        "validation": "validation rows",
        "test": "test rows",
    }
    rows = [
        [text, *(f"{results[arm]['rows'][name]['mean']:,.0f}" for arm in ARMS)]
        for name, text in counts.items()
    ]
    rows += [
        [text, *(f"{results[arm]['shares'][name]['mean']:.1%}" for arm in ARMS)]
        for name, text in SHARES.items()
    ]
    return table(["", *ARMS], rows)


def labels(frame: pd.DataFrame) -> str:
    """Per label, rarest first, at threshold ½."""
    rows = [
        [
            row["label"],
            f"{row['support']:.0f}",
            f"{row['children_per_positive']:.1f}",
            *(decimals(row[f"{arm}_f1_{HALF}"]) for arm in (LEAKED, HONEST, "honest_same_rows")),
            *(decimals(row[f"{arm}_f1_{TUNED}"]) for arm in ARMS),
        ]
        for row in frame.sort_values("support").to_dict("records")
    ]
    head = ["label", "test positives", "children of test rows per positive", "leaked F1"]
    head += ["honest F1", "honest F1, same rows", "leaked F1, tuned", "honest F1, tuned"]
    return table(head, rows)


def audits(audit: dict) -> str:
    """What must be zero and is not in some arm: the count, or its range over the seeds."""
    rules = list(next(iter(audit[LEAKED].values()))["must_be_zero"])
    rows = []
    for rule in rules:
        counts = [[one["must_be_zero"][rule] for one in audit[arm].values()] for arm in ARMS]
        if any(map(any, counts)):
            rows.append([f"`{rule}`", *(_range(of_arm) for of_arm in counts)])
    return table(["must be zero", *ARMS], rows)


def tables(results: dict, per_label: pd.DataFrame, audit: dict) -> dict[str, str]:
    """Name of a table → its Markdown."""
    return {
        "scores": scores(results),
        "leak": leak(results),
        "labels": labels(per_label),
        "audit": audits(audit),
    }


def read_tables(folder: Path) -> dict[str, str]:
    """The tables made from the results files in `folder`."""
    return tables(
        read_json(folder / RESULTS), pd.read_csv(folder / PER_LABEL), read_json(folder / AUDIT)
    )


def spread(entry: dict[str, float]) -> str:
    """A mean over seeds, and the least and greatest where they differ."""
    mean, low, high = (decimals(entry[name]) for name in ("mean", "min", "max"))
    return mean if low == high else f"{mean} ({low}–{high})"


def _range(counts: list[int]) -> str:
    low, high = f"{min(counts):,}", f"{max(counts):,}"
    return low if low == high else f"{low}–{high}"


def main() -> None:
    TABLE.write_text(sections(read_tables(Path())), encoding="utf-8")


if __name__ == "__main__":
    main()
