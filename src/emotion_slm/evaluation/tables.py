"""The table of test metrics a person reads on the terminal, laid out like the published one."""

from rich.table import Table

from emotion_slm.corpus.labels import LABELS, TARGETS

FEW_CAPTION = "* fewer than 100 positives: a handful of rows decides the score"
SAMPLE_CAPTION = "sample corpus: proves the plumbing, says nothing about quality"


def label_order() -> tuple[str, ...]:
    """The 15 target emotions as published, then the other labels."""
    return (*TARGETS, *(label for label in LABELS if label not in TARGETS))


def test_table(content: dict, note: str | None = None) -> Table:
    """metrics/test.json as a table: a row per label, then the averages; `note` becomes a caption.

    At most 80 columns wide. A report made from the sample corpus always says so.
    """
    per_label = content["per_label"]
    few = any(row["few_positives"] for row in per_label.values())
    captions = [SAMPLE_CAPTION] if content["corpus"] == "sample" else []
    captions += [FEW_CAPTION] if few else []
    captions += [note] if note else []
    table = Table(
        title=f"Test metrics, profile {content['profile']}, {content['protocol']} split",
        caption="\n".join(captions) or None,
    )
    table.add_column("label")
    for name in ("precision", "recall", "F1", "95 %", "AP", "N"):
        table.add_column(name, justify="right", no_wrap=True)
    for label in label_order():
        row = per_label[label]
        table.add_row(
            label,
            *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")),
            _span(row["f1_interval"]),
            f"{row['ap']:.3f}",
            f"{row['support']:,}{'*' if row['few_positives'] else ' ' if few else ''}",
            end_section=label in (TARGETS[-1], label_order()[-1]),
        )
    intervals = content["intervals"]
    table.add_row(
        "macro average",
        *(f"{content[key]:.3f}" for key in ("macro_precision", "macro_recall", "macro_f1")),
        _span(intervals["macro_f1"]),
        f"{content['map']:.3f}",
        style="bold",
    )
    for name, f1, span in (
        ("macro, targets", content["target"]["macro_f1"], intervals["target_macro_f1"]),
        ("micro average", content["micro_f1"], intervals["micro_f1"]),
        ("Ekman groups", content["ekman"]["macro_f1"], None),
        ("sentiments", content["sentiment"]["macro_f1"], None),
    ):
        table.add_row(name, "", "", f"{f1:.3f}", _span(span) if span else "")
    table.add_section()
    for name, key in (
        ("exact accuracy", "exact_accuracy"),
        ("macro AUROC", "auroc"),
        ("calibr. error", "ece"),
    ):
        table.add_row(name, "", "", f"{content[key]:.3f}")
    return table


def _span(interval: list[float]) -> str:
    low, high = interval
    return f"{low:.3f}–{high:.3f}"
