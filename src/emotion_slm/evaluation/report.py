"""The table of test metrics a person reads on the terminal, laid out like the published one."""

from rich.table import Table

from emotion_slm.labels import LABELS, TARGETS

SAMPLE_CAPTION = "sample corpus: proves the plumbing, says nothing about quality"


def label_order() -> tuple[str, ...]:
    """The 15 target emotions as published, then the other labels."""
    return (*TARGETS, *(label for label in LABELS if label not in TARGETS))


def test_table(content: dict, note: str | None = None) -> Table:
    """metrics/test.json as a table: a row per label, then the averages; `note` becomes a caption.

    A report made from the sample corpus always says so.
    """
    captions = [SAMPLE_CAPTION] if content["corpus"] == "sample" else []
    captions += [note] if note else []
    table = Table(
        title=f"Test metrics, profile {content['profile']}, {content['protocol']} split",
        caption="\n".join(captions) or None,
    )
    table.add_column("label")
    for name in ("precision", "recall", "F1", "N"):
        table.add_column(name, justify="right")
    for label in label_order():
        row = content["per_label"][label]
        table.add_row(
            label,
            *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")),
            f"{row['support']:,}",
            end_section=label in (TARGETS[-1], label_order()[-1]),
        )
    table.add_row(
        "macro average",
        *(f"{content[key]:.3f}" for key in ("macro_precision", "macro_recall", "macro_f1")),
        style="bold",
    )
    for name, value in (
        ("macro, 15 targets", content["target"]["macro_f1"]),
        ("micro average", content["micro_f1"]),
    ):
        table.add_row(name, "", "", f"{value:.3f}")
    table.add_section()
    for name, key in (("exact accuracy", "exact_accuracy"), ("mean average precision", "map")):
        table.add_row(name, "", "", f"{content[key]:.3f}")
    return table
