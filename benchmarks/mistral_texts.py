"""Training step of profile `mistral` on texts: `python -m benchmarks.mistral_texts FOLDER`.

FOLDER holds a checkpoint; `python -m benchmarks.random_checkpoint FOLDER` writes one of the true
shape. Texts are random tokens, as many as GoEmotions': 4 to 36, 20 in the mean. Unsloth changes
transformers for the whole process, so a process measures one loader.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.goemotions import GOEMOTIONS, LABELS
from benchmarks.one_position import now
from benchmarks.turns import spread
from emotion_slm.backbone.device import describe_device, peak_memory
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.training.batches import Rows, epoch_batches
from emotion_slm.training.distributed import join
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import build_loss

PROFILE = "mistral"
TOKENS = (4, 36)  # of the shortest and of the longest text
WARM_UP = 3  # steps, not timed
SEED = 0
console = Console(width=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--loader", choices=("unsloth", "transformers"), default="unsloth")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed optimiser steps of a run")
    options = parser.parse_args()
    document = Document.read().with_profile(PROFILE)
    pin_threads(document.threads)
    checkpoint = {"id": str(options.folder), "loader": options.loader, "sha256": None}
    needs = {"gpu_memory_gib": None, "ram_gib": None}  # of the model it replaces
    encoder = document.section("encoder", EncoderParams).model_copy(update=checkpoint | needs)
    adapt = document.section("adapt", AdaptParams)
    speeds = measure(encoder, adapt, options.runs, options.steps)
    made = Table(title=f"{describe_device()}: {options.runs} runs of {options.steps} steps")
    for column in ("loader", "batch", "samples/s", "min–max", "memory"):
        made.add_column(column, justify="right")
    batch = str(adapt.training.batch_size)
    made.add_row(options.loader, batch, *spread(speeds, 1), peak_memory())
    console.print(made)


def measure(encoder: EncoderParams, adapt: AdaptParams, runs: int, steps: int) -> list[float]:
    """Samples per second of every run, one after the other on one model."""
    training = adapt.training
    model = build_encoder(encoder, adapt.lora, adapt.dropout, LABELS)
    vocabulary = model.get_input_embeddings().num_embeddings
    rows = random_texts(training.batch_size * (WARM_UP + steps * runs), vocabulary)
    learner = Learner(model, build_loss(adapt.loss, GOEMOTIONS), training, SEED, join())
    learner.model.train()
    batches = epoch_batches(rows.count, training, SEED, 0, rows.lengths)
    cuda = join().device.type == "cuda"
    speeds = []
    starts = range(WARM_UP, len(batches), steps)
    for part in np.split(np.arange(len(batches)), starts):
        started = now(cuda)
        for step in part:
            learner.gradients(rows, [batches[step]], int(step))
            learner.update(training.learning_rate)
        speeds.append(sum(len(batches[step]) for step in part) / (now(cuda) - started))
    console.print(f"warm-up: {speeds[0]:.1f} samples/s")
    return speeds[1:]


def random_texts(count: int, vocabulary: int) -> Rows:
    """Token ids and labels at random."""
    random = np.random.default_rng(SEED)
    lengths = random.integers(TOKENS[0], TOKENS[1] + 1, count)
    texts = [random.integers(vocabulary, size=length) for length in lengths]
    gold = (random.random((count, len(LABELS))) < 0.05).astype(np.int8)
    return Rows(texts, gold, [str(row) for row in range(count)], _pad, lengths)


def _pad(texts: list[np.ndarray]) -> dict[str, torch.Tensor]:
    shape = len(texts), max(map(len, texts))
    ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.from_numpy(text)
        mask[row, : len(text)] = 1
    return {"input_ids": ids, "attention_mask": mask}


if __name__ == "__main__":
    main()
