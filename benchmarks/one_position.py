"""Speed of the one-position architecture by batch: `python -m benchmarks.one_position`.

On a CUDA GPU: Mistral-Small's true shape, 40 layers of 5,120 in NF4, random weights made on the
device. It has not been run on a GPU yet. On a CPU: the same code on four float32 layers of 512,
which proves that it runs; its figures say nothing about a GPU.
"""

import argparse
import time
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.goemotions import GOEMOTIONS, LABELS
from benchmarks.random_mistral import MISTRAL_SMALL, REDUCED, Shape, random_mistral
from benchmarks.turns import by_turns, ratios, spread
from emotion_slm.backbone.device import GIB
from emotion_slm.classifier.one_position import OnePositionClassifier, around
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import Tensors, assign, join, snapshot, trained_parameters
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import build_loss

PROFILE = "recipe-mistral"
WIDTH = 384  # of the vectors it reads
WARM_UP = 1  # step, not timed
SEED = 0
console = Console(width=100)


class Arm(NamedTuple):
    """Rows of a batch, and batches whose gradients make one step."""

    batch_size: int
    accumulation: int

    def __str__(self) -> str:
        return f"{self.batch_size:,} × {self.accumulation}"


PUBLISHED = Arm(8, 4)
ARMS = (PUBLISHED, Arm(32, 1), Arm(256, 1), Arm(1024, 1))


class Bench(NamedTuple):
    """A model under LoRA, the trained weights every run starts from, and how it is trained."""

    model: OnePositionClassifier
    initial: Tensors
    params: FinetuneParams


class Run(NamedTuple):
    """`peak_gib`: GPU memory; not measured on a CPU."""

    samples_per_second: float
    peak_gib: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="must be what torch finds")
    parser.add_argument("--runs", type=int, default=5, help="turns of every batch size")
    parser.add_argument("--steps", type=int, default=10, help="timed optimiser steps of a run")
    options = parser.parse_args()
    device = join().device
    if options.device not in (None, device.type):
        raise SystemExit(
            f"--device {options.device}: torch trains on {device.type} here"
            + ("; hide the GPU with CUDA_VISIBLE_DEVICES=" if device.type == "cuda" else "")
        )
    document = Document.read().with_profile(PROFILE)
    pin_threads(document.threads)
    shape = MISTRAL_SMALL if device.type == "cuda" else REDUCED
    bench = prepare(shape, document.section("finetune", FinetuneParams))
    results = measure(bench, options.runs, options.steps)
    bits = "NF4" if shape.four_bit else "float32"
    where = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, reduced shape"
    console.print(
        table(
            results,
            f"{where}: {shape.layers} layers of {shape.hidden:,}, {bits}; "
            f"{options.runs} runs of {options.steps} steps",
        )
    )


def prepare(shape: Shape, params: FinetuneParams) -> Bench:
    """The classifier that profile `recipe-mistral` trains, around random weights."""
    torch.manual_seed(SEED)
    backbone = random_mistral(shape, join().device)
    model = around(backbone, params.classifier, WIDTH, LABELS)
    return Bench(model, snapshot(trained_parameters(model)), params)


def measure(bench: Bench, runs: int, steps: int) -> dict[str, list[Run]]:
    """Every arm of ARMS, by turns."""
    return by_turns({str(arm): partial(run, arm, bench, steps) for arm in ARMS}, runs)


def run(arm: Arm, bench: Bench, steps: int, turn: int) -> Run:
    """Time `steps` of the arm from the initial weights, with a new optimiser."""
    assign(trained_parameters(bench.model), bench.initial)
    changes = {"batch_size": arm.batch_size, "accumulation": arm.accumulation}
    training = bench.params.training.model_copy(update=changes)
    rows = random_rows(arm.batch_size * arm.accumulation, turn)
    batches = np.split(np.arange(rows.count), arm.accumulation)
    learner = Learner(
        bench.model, build_loss(bench.params.loss, GOEMOTIONS), training, SEED, join()
    )
    learner.model.train()
    cuda = join().device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            started = now(cuda)
        learner.gradients(rows, batches, step)
        learner.update(training.learning_rate)
    seconds = now(cuda) - started
    peak = torch.cuda.max_memory_allocated() / GIB if cuda else None
    return Run(steps * rows.count / seconds, peak)


def random_rows(count: int, seed: int) -> Rows:
    """Unit vectors with labels at random."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gold = (random.random((count, len(LABELS))) < 0.05).astype(np.int8)
    return Rows(vectors, gold, [str(row) for row in range(count)], _collate)


def table(results: dict[str, list[Run]], title: str) -> Table:
    """Speed and memory of every arm, and how many times as fast as the published 8 × 4."""
    made = Table(title=title)
    columns = ("batch", "samples/s", "min–max", "arm / 8 × 4", "min–max", "peak GiB")
    for column in columns:
        made.add_column(column, justify="right")
    published = [one.samples_per_second for one in results[str(PUBLISHED)]]
    for name, runs in results.items():
        speeds = [one.samples_per_second for one in runs]
        peaks = [one.peak_gib for one in runs if one.peak_gib is not None]
        peak = f"{max(peaks):.1f}" if peaks else "not measured"
        made.add_row(name, *spread(speeds, 1), *spread(ratios(speeds, published), 2), peak)
    return made


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(vectors)}


def now(cuda: bool) -> float:
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
