"""The test metrics a person reads on the terminal: the headline, then F1 by label."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.console import Group
from rich.table import Table
from rich.text import Text

from emotion_slm.evaluation.metrics import FEW_POSITIVES

FEW_CAPTION = f"* fewer than {FEW_POSITIVES} positives: a handful of rows decides the score"


def metrics_screen(
    test: Mapping[str, float],
    per_label: Sequence[Mapping],
    profile: str,
    protocol: str,
    caption: str,
) -> Group:
    """metrics/test.json and metrics/plots/per_label.csv, at most 80 columns wide.

    `per_label`: its rows, read from the file or before they are written; `caption`: what the corpus
    wants said of its results, if anything.
    """
    few = any(int(row["support"]) < FEW_POSITIVES for row in per_label)
    captions = [caption] if caption else []
    captions += [FEW_CAPTION] if few else []
    return Group(
        headline(test, profile, protocol),
        "",
        _label_table(per_label),
        *(Text(caption, style="italic") for caption in captions),
    )


def headline(test: Mapping[str, float], profile: str, protocol: str) -> Text:
    """Two lines: macro-F1 with its interval, and what else sums up the run."""
    first = (
        f"macro-F1 {test['macro_f1']:.3f} "
        f"(95 % {test['macro_f1_low']:.3f}–{test['macro_f1_high']:.3f})"
    )
    of_one = test.get("accuracy") is not None
    counted = f"accuracy {test['accuracy']:.3f}" if of_one else f"micro-F1 {test['micro_f1']:.3f}"
    exact = "" if of_one else f" · exact {test['exact_accuracy']:.3f}"
    second = f"{counted} · mAP {test['map']:.3f}{exact} · calibration error {test['ece']:.3f}"
    where = f", test set of profile {profile}, {protocol} split\n"
    return Text.assemble((first, "bold"), where, second)


def _label_table(per_label: Sequence[Mapping]) -> Table:
    """The targets on the left, the other labels on the right; without others, halves of all."""
    targets = [row for row in per_label if _is_target(row)]
    others = [row for row in per_label if not _is_target(row)]
    names = ("target label", " other label")
    if not others:
        half = (len(targets) + 1) // 2
        targets, others, names = targets[:half], targets[half:], ("label", " label")
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=True)
        for column in ("F1", "95 %", "N"):
            table.add_column(column, justify="right", no_wrap=True)
    for left, right in zip_longest(targets, others):
        table.add_row(*(_cells(left) if left else [""] * 4), *(_cells(right, " ") if right else ()))
    return table


def _is_target(row: Mapping) -> bool:
    return str(row["target"]).lower() == "true"  # as it is in the file, or before


def _cells(row: Mapping, gap: str = "") -> tuple[str, ...]:
    support = int(row["support"])
    f1, low, high = (float(row[name]) for name in ("f1", "f1_low", "f1_high"))
    mark = "*" if support < FEW_POSITIVES else " "
    return f"{gap}{row['label']}", f"{f1:.3f}", f"{low:.2f}–{high:.2f}", f"{support:,}{mark}"
