"""Stage embed by PyTorch and by ONNX Runtime: `python -m benchmarks.embedding`.

The encoder of models/classifier on texts of data/raw, with the export's time charged to ONNX
Runtime as if it had embedded all of them.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.goemotions import CORPUS
from benchmarks.turns import by_turns, ratios, spread
from emotion_slm.common import paths
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.config import ENCODER
from emotion_slm.package.package import read_package
from emotion_slm.package.tokenizer import PackagedTokenizer
from emotion_slm.publish.onnx_export import write_graph
from emotion_slm.scoring.onnx_graph import OnnxGraph

BATCH_SIZE = 32  # of params.yaml
TORCH, ONNX = "PyTorch", "ONNX Runtime"
console = Console(width=110)


class Run(NamedTuple):
    """`vectors`: (n, d) float32."""

    seconds: float
    vectors: np.ndarray


class Vectors(nn.Module):
    """The part of a text classifier that stage embed uses."""

    def __init__(self, encoder: TextClassifier):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.encoder.encode(input_ids, attention_mask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4000, help="comments of a run")
    parser.add_argument("--runs", type=int, default=3, help="turns of either")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    pin_threads(options.threads)
    package = read_package(paths.CLASSIFIER)
    encoder = load_encoder(package.encoder, package.adapted, package.folder / ENCODER)
    tokenizer = PackagedTokenizer(package.folder, package.encoder.max_length)
    texts, _ = distinct_texts(read_corpus(paths.RAW, CORPUS)["text"])
    some = texts[: options.texts]
    title = f"{len(some):,} comments, {options.runs} runs, {options.threads} threads"
    console.print(table(*measure(encoder, tokenizer, some, options.runs), len(texts), title))


def measure(
    encoder: TextClassifier, tokenizer: PackagedTokenizer, texts: list[str], runs: int
) -> tuple[dict[str, list[Run]], float]:
    """Both engines by turns, and the seconds that the export took."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        write_graph(Vectors(encoder), Path(folder) / "vectors.onnx")
        graph = OnnxGraph(Path(folder) / "vectors.onnx")
        export = time.perf_counter() - started
        arms = {
            TORCH: lambda some: embed(some, encoder, tokenizer, BATCH_SIZE, lambda _: None),
            ONNX: lambda some: graph.read(some, tokenizer),
        }
        return by_turns(
            {name: partial(run, arm, texts) for name, arm in arms.items()}, runs
        ), export


def run(read, texts: list[str], turn: int) -> Run:
    read(texts[:BATCH_SIZE])  # to warm up
    started = time.perf_counter()
    vectors = read(texts)
    return Run(time.perf_counter() - started, vectors)


def table(results: dict[str, list[Run]], export: float, corpus: int, title: str) -> Table:
    """Speed of both, their ratio with and without the export, and the least cosine."""
    made = Table(title=f"{title}; export {export:.1f} s, charged to {corpus:,} texts")
    columns = (
        "engine",
        "texts/s",
        "min–max",
        "× PyTorch",
        "min–max",
        "with export",
        "least cosine",
    )
    for column in columns:
        made.add_column(column, justify="left" if column == "engine" else "right")
    reference = results[TORCH][0].vectors
    share = export * len(reference) / corpus
    seconds = {name: [one.seconds for one in runs] for name, runs in results.items()}
    for name, runs in results.items():
        charged = [one + (share if name == ONNX else 0) for one in seconds[name]]
        made.add_row(
            name,
            *spread([len(reference) / one for one in seconds[name]], 0),
            *spread(ratios(seconds[TORCH], seconds[name]), 2),
            spread(ratios(seconds[TORCH], charged), 2)[0],
            f"{min(least_cosine(one.vectors, reference) for one in runs):.6f}",
        )
    return made


def least_cosine(vectors: np.ndarray, others: np.ndarray) -> float:
    """Of the rows of two (n, d) arrays."""
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    return float(((vectors * others).sum(1) / norms).min())


if __name__ == "__main__":
    main()
