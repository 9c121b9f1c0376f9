"""Who is timed: ways to train the SLM that reads on the same texts, steps of the same 32 rows.

`ARMS` differ in which texts share a batch, how far it is padded, and how the CPU computes it. Every
run starts from a fresh model and optimiser.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.goemotions import GOEMOTIONS, LABELS, to_matrix
from emotion_slm.backbone.pretrained import locate
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.training.batches import Rows, epoch_batches
from emotion_slm.training.distributed import join, trained_parameters
from emotion_slm.training.learner import Learner, parameter_groups
from emotion_slm.training.losses import build_loss

FIXED = 64  # tokens; GoEmotions' texts have 43 at most but for a handful
WARM_UP = 2  # steps that allocate memory and the optimiser's state: not timed
SEED = 0


class Arm(NamedTuple):
    """`buckets`: a batch holds texts of like length; `fixed`: each is padded or cut to FIXED
    tokens; `defaults`: float32, sdpa attention and torch's own AdamW, as libraries come."""

    buckets: bool = True
    fixed: bool = False
    defaults: bool = False


LIBRARY = "this library"
ARMS = {
    LIBRARY: Arm(),
    "dynamic padding, random batches": Arm(buckets=False),
    "padding to 64, random batches": Arm(buckets=False, fixed=True),
    "float32, sdpa, AdamW not fused": Arm(defaults=True),
}


class Texts(NamedTuple):
    """What every arm trains on, and the model's and the training's parameters."""

    rows: Rows
    encoder: EncoderParams
    adapt: AdaptParams


class Run(NamedTuple):
    """`positions`: what is computed per text, padding included."""

    samples_per_second: float
    positions: float


def tokenized(frame, encoder: EncoderParams, adapt: AdaptParams) -> Texts:
    """A frame `id, text, labels` as rows of token ids, padded to the longest of a batch."""
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    token_ids = tokenizer(frame["text"].tolist())
    lengths = np.array([len(ids) for ids in token_ids])
    gold = to_matrix(frame["labels"])
    return Texts(
        Rows(token_ids, gold, frame["id"].tolist(), tokenizer.pad, lengths), encoder, adapt
    )


def run(arm: Arm, texts: Texts, steps: int, turn: int) -> Run:
    """Time `steps` of the arm; `turn` chooses the order of rows, the same for every arm.

    EmotionSlmError where an epoch has fewer batches.
    """
    learner = fresh_learner(arm, texts)
    rows = arranged(arm, texts.rows)
    params = learner.params
    batches = epoch_batches(rows.count, params, SEED, turn, rows.lengths)
    if len(batches) < WARM_UP + steps:
        raise EmotionSlmError(
            f"{rows.count} rows make {len(batches)} batches; {steps} steps and {WARM_UP} to warm up"
            " need more"
        )
    batches = batches[: WARM_UP + steps]
    learner.model.train()
    for step, batch in enumerate(batches):
        if step == WARM_UP:
            started = time.perf_counter()
        learner.gradients(rows, [batch], step)
        learner.update(params.learning_rate)
    seconds = time.perf_counter() - started
    timed = batches[WARM_UP:]
    samples = sum(map(len, timed))
    widths = [FIXED if arm.fixed else texts.rows.lengths[batch].max() for batch in timed]
    positions = sum(width * len(batch) for width, batch in zip(widths, timed, strict=True))
    return Run(samples / seconds, positions / samples)


def arranged(arm: Arm, rows: Rows) -> Rows:
    """The rows as the arm wants them put into batches and padded."""
    if arm.fixed:
        rows = rows._replace(collate=partial(_pad_to_fixed, rows.collate))
    return rows if arm.buckets else rows._replace(lengths=None)


def fresh_learner(arm: Arm, texts: Texts) -> Learner:
    """A model as stage adapt builds it, ready to train."""
    adapt = texts.adapt
    lora = None if adapt.lora == "none" else adapt.lora
    torch.manual_seed(SEED)
    model = build_encoder(texts.encoder, lora, adapt.dropout, LABELS)
    precision = "float32" if arm.defaults else adapt.training.precision
    params = adapt.training.model_copy(update={"precision": precision})
    loss = build_loss(adapt.loss, GOEMOTIONS)
    learner = Learner(model, loss, params, SEED, join())
    if arm.defaults:
        learner.model.backbone.set_attn_implementation("sdpa")
        groups = parameter_groups(trained_parameters(learner.model), params)
        learner.optimizer = torch.optim.AdamW(groups, lr=params.learning_rate)
    return learner


def _pad_to_fixed(
    pad: Callable[[list[np.ndarray]], dict[str, torch.Tensor]], features: list[np.ndarray]
) -> dict[str, torch.Tensor]:
    inputs = pad([ids[:FIXED] for ids in features])
    missing = FIXED - inputs["input_ids"].shape[1]
    return {name: F.pad(tensor, (0, missing)) for name, tensor in inputs.items()}
