from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from emotion_slm.corpus.labels import LABELS, TARGETS
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation import tables as report
from emotion_slm.evaluation.bootstrap import with_intervals


def rendered(content: dict, note: str | None = None) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(report.test_table(content, note))
    return console.file.getvalue()


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def content(scored):
    gold, logits = scored
    probabilities, half = 1 / (1 + np.exp(-logits)), np.full(len(LABELS), 0.5)
    result = with_intervals(
        metrics.evaluate(gold, probabilities, half),
        metrics.predictions(probabilities, half),
        gold,
        np.arange(len(gold)),
        1,
    )
    return {**result, "profile": "minilm", "corpus": "goemotions", "protocol": "pooled"}


def test_targets_first_then_the_rest_then_averages(content):
    lines = [line.split("│")[1].strip() for line in rendered(content).splitlines() if "│" in line]
    rest = [label for label in LABELS if label not in TARGETS]
    assert lines[:28] == [*TARGETS, *rest]
    assert lines[28:] == [
        "macro average", "macro, targets", "micro average", "Ekman groups", "sentiments",
        "exact accuracy", "macro AUROC", "calibr. error",
    ]  # fmt: skip


def test_rows_show_the_metrics(content):
    joy = content["per_label"]["joy"]
    (line,) = [line for line in rendered(content).splitlines() if "│ joy " in line]
    cells = [cell.strip() for cell in line.split("│")[2:8]]
    expected = [f"{joy[key]:.3f}" for key in ("precision", "recall", "f1")]
    low, high = joy["f1_interval"]
    mark = "*" if joy["few_positives"] else ""
    ends = [f"{low:.3f}–{high:.3f}", f"{joy['ap']:.3f}", f"{joy['support']}{mark}"]
    assert cells == [*expected, *ends]
    assert f"{content['map']:.3f}" in rendered(content)


def test_no_line_is_wider_than_80_columns_nor_cut(content):
    content["per_label"]["neutral"]["support"] = 10_000
    console = Console(file=StringIO(), width=80)
    console.print(report.test_table(content))
    assert "…" not in console.file.getvalue()
    assert rendered(content).count("│") == console.file.getvalue().count("│")


def test_labels_with_few_positives_are_marked_and_explained(content):
    for row in content["per_label"].values():
        row["few_positives"] = False
    assert "*" not in rendered(content)
    content["per_label"]["grief"]["few_positives"] = True
    text = rendered(content)
    (line,) = [line for line in text.splitlines() if "│ grief " in line]
    assert line.rstrip(" │").endswith("*")
    assert report.FEW_CAPTION in in_one_line(text)


def test_sample_corpus_always_says_so(content):
    assert report.SAMPLE_CAPTION not in in_one_line(rendered(content))
    sample = in_one_line(rendered({**content, "corpus": "sample"}, note="one more thing"))
    assert report.SAMPLE_CAPTION in sample
    assert "one more thing" in sample
