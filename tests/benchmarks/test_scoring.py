"""Every arm at a tiny size: what it computes, never how long it takes."""

import re

import numpy as np
import pytest
from rich.console import Console
from support.labels import LABELS

from benchmarks import scoring
from benchmarks.scoring import ALONE, BATCHED, INT8, ONNX, TORCH

TEXTS = ["happy cat", "the very sad dog", "tree", "", "angry house is a house"]


@pytest.fixture
def models(packaged, exported):
    return {TORCH: packaged, ONNX: exported}


def shown(table) -> str:
    console = Console(width=140, record=True)
    console.print(table)
    return console.export_text()


def test_all_arms_score_the_same_texts_alike(models):
    results = scoring.measure(models, TEXTS, runs=2)
    assert list(results) == [ALONE, BATCHED, TORCH, ONNX]
    for runs in results.values():
        assert len(runs) == 2
        for one in runs:
            assert one.texts_per_second > 0
            np.testing.assert_allclose(one.sigmoids, results[ALONE][0].sigmoids, atol=1e-5)
    text = shown(scoring.speed_table(results, "tiny"))
    assert all(name in text for name in results)
    (line,) = (line for line in text.splitlines() if f"│ {ALONE} " in line)
    assert "1.00–1.00" in line and "0.0e+00" in line


def test_the_table_shows_the_largest_difference_of_any_run(models):
    results = scoring.measure({TORCH: models[TORCH]}, TEXTS, runs=2)
    results[TORCH][1].sigmoids[2, 3] += 0.25
    (line,) = (
        line
        for line in shown(scoring.speed_table(results, "tiny")).splitlines()
        if f"│ {TORCH} " in line
    )
    assert "2.5e-01" in line


def test_quality_is_at_the_thresholds_of_the_package(models):
    gold = np.zeros((len(TEXTS), len(LABELS)), dtype=np.int8)
    gold[:, 0] = 1
    lines = shown(scoring.quality_table(models, TEXTS, gold, "tiny")).splitlines()
    torch_line, onnx_line = (
        re.findall(r"\d\.\d{4}", line) for line in lines if "PyTorch" in line or "ONNX" in line
    )
    assert torch_line == onnx_line and len(torch_line) == 4


def test_latency_is_of_every_text(models):
    calls = []
    taken = scoring.latencies(lambda texts: calls.append(texts), TEXTS)
    assert len(taken) == len(TEXTS) and all(len(texts) == 1 for texts in calls)
    text = shown(scoring.latency_table(models, TEXTS))
    assert ALONE in text and ONNX in text and INT8 not in text
