"""The test metrics a person reads on the terminal: the headline, then F1 by label."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.console import Group
from rich.table import Table
from rich.text import Text

from emotion_slm.corpus.labels import LABELS, TARGETS
from emotion_slm.corpus.params import SAMPLE_CAPTION
from emotion_slm.evaluation.metrics import FEW_POSITIVES

FEW_CAPTION = f"* fewer than {FEW_POSITIVES} positives: a handful of rows decides the score"


def label_order() -> tuple[str, ...]:
    """The 15 target emotions as published, then the other labels."""
    return (*TARGETS, *(label for label in LABELS if label not in TARGETS))


def metrics_screen(
    test: Mapping[str, float],
    per_label: Sequence[Mapping],
    profile: str,
    corpus: str,
    protocol: str,
) -> Group:
    """metrics/test.json and metrics/plots/per_label.csv, at most 80 columns wide.

    `per_label`: its rows, read from the file or before they are written. What was made from the
    sample corpus always says so.
    """
    few = any(int(row["support"]) < FEW_POSITIVES for row in per_label)
    captions = [SAMPLE_CAPTION] if corpus == "sample" else []
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
    second = (
        f"micro-F1 {test['micro_f1']:.3f} · mAP {test['map']:.3f} · exact "
        f"{test['exact_accuracy']:.3f} · calibration error {test['ece']:.3f}"
    )
    where = f", test set of profile {profile}, {protocol} split\n"
    return Text.assemble((first, "bold"), where, second)


def _label_table(per_label: Sequence[Mapping]) -> Table:
    """The targets on the left, the other labels on the right."""
    row_of = {row["label"]: row for row in per_label}
    order = label_order()
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("target emotion", " other label"):
        table.add_column(name, no_wrap=True)
        for column in ("F1", "95 %", "N"):
            table.add_column(column, justify="right", no_wrap=True)
    halves = (order[: len(TARGETS)], order[len(TARGETS) :])
    for target, other in zip_longest(*halves):
        table.add_row(*_cells(row_of[target]), *(_cells(row_of[other], " ") if other else ()))
    return table


def _cells(row: Mapping, gap: str = "") -> tuple[str, ...]:
    support = int(row["support"])
    f1, low, high = (float(row[name]) for name in ("f1", "f1_low", "f1_high"))
    mark = "*" if support < FEW_POSITIVES else " "
    return f"{gap}{row['label']}", f"{f1:.3f}", f"{low:.2f}–{high:.2f}", f"{support:,}{mark}"
