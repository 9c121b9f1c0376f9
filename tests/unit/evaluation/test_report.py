from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from emotion_slm.evaluation import metrics, report
from emotion_slm.labels import LABELS, TARGETS


def rendered(content: dict, note: str | None = None) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(report.test_table(content, note))
    return console.file.getvalue()


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def content(scored):
    gold, logits = scored
    result = metrics.evaluate(gold, 1 / (1 + np.exp(-logits)), np.full(len(LABELS), 0.5))
    return {**result, "profile": "minilm", "corpus": "goemotions", "protocol": "pooled"}


def test_targets_first_then_the_rest_then_averages(content):
    lines = [line.split("│")[1].strip() for line in rendered(content).splitlines() if "│" in line]
    rest = [label for label in LABELS if label not in TARGETS]
    assert lines[:28] == [*TARGETS, *rest]
    assert lines[28:] == [
        "macro average", "macro, 15 targets", "micro average", "exact accuracy",
        "mean average precision",
    ]  # fmt: skip


def test_rows_show_the_metrics(content):
    joy = content["per_label"]["joy"]
    (line,) = [line for line in rendered(content).splitlines() if "│ joy " in line]
    cells = [cell.strip() for cell in line.split("│")[2:6]]
    expected = [f"{joy[key]:.3f}" for key in ("precision", "recall", "f1")]
    assert cells == [*expected, str(joy["support"])]
    assert f"{content['map']:.3f}" in rendered(content)


def test_sample_corpus_always_says_so(content):
    assert report.SAMPLE_CAPTION not in in_one_line(rendered(content))
    sample = in_one_line(rendered({**content, "corpus": "sample"}, note="one more thing"))
    assert report.SAMPLE_CAPTION in sample
    assert "one more thing" in sample
