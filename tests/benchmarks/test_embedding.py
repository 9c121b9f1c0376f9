"""Both engines at a tiny size: what they compute, never how long it takes."""

import numpy as np
import pytest
import torch
from rich.console import Console
from support.labels import LABELS

from benchmarks import embedding
from benchmarks.embedding import ONNX, TORCH, Run
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.package.tokenizer import PackagedTokenizer


def test_both_give_the_same_vectors(tiny_bert, encoder_params):
    torch.manual_seed(0)
    encoder = build_encoder(encoder_params(tiny_bert), None, 0.0, LABELS).eval()
    texts = ["happy cat", "the very sad dog", "", "tree"]
    results, export = embedding.measure(encoder, PackagedTokenizer(tiny_bert, 32), texts, runs=2)
    assert export > 0 and list(results) == [TORCH, ONNX]
    for one in results[ONNX]:
        np.testing.assert_allclose(one.vectors, results[TORCH][0].vectors, atol=1e-5)


def test_the_export_is_charged_by_share():
    vectors = np.eye(4, dtype=np.float32)
    results = {TORCH: [Run(2.0, vectors)], ONNX: [Run(1.0, vectors)]}
    console = Console(width=140, record=True)
    console.print(embedding.table(results, export=10.0, corpus=40, title="tiny"))
    (line,) = (line for line in console.export_text().splitlines() if f"│ {ONNX} " in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    # 1 s for a tenth of the corpus, and a tenth of the export's 10 s.
    assert cells == [ONNX, "4", "4–4", "2.00", "2.00–2.00", "1.00", "1.000000"]


def test_the_least_cosine_is_that_of_the_worst_row():
    vectors = np.array([[1.0, 0.0], [0.0, 2.0]])
    turned = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert embedding.least_cosine(vectors, turned) == pytest.approx(0.5**0.5)
