"""Processes that are made to die: a small training, and a scoring, at chosen points of their work.

They are forked from one that has already imported what they need: fast to start.
"""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest
import torch

from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.scoring import chunks, resume
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score
from emotion_slm.training import checkpoints, trainer
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.params import TrainingParams
from support.labels import LABELS
from support.scorer import StubScorer
from support.training import head, text_rows, vector_rows

PRELOADED = [
    "support.victims",
    # What a training imports when it first needs it: seconds in each process.
    "sklearn.metrics",
    "torch._dynamo",
    "torch.distributed.fsdp",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
]
CHUNK = 7  # rows of a chunk of the scoring


def forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # or the preload finds nothing
        forkserver.ensure_running()
    return context


@dataclass(frozen=True)
class Case:
    """What is trained: a frame of texts on the model in `encoder`, or vectors without one."""

    params: TrainingParams
    frame: object = None
    encoder: EncoderParams | None = None


@dataclass(frozen=True)
class Death:
    """Where the process kills itself: `before_step`, `before_update`, `in_validation`,
    `before_rename` or `after_rename` on the `count`-th occasion from now; `in_write` after `count`
    bytes of a checkpoint. `external`: it waits for its killer at its last step at the latest.
    """

    moment: str
    count: int = 1


def train(case: Case, folder: Path, result: Path, death: Death | None, steps: Connection) -> None:
    """Train in `folder` and write the digest of the weights and the curve to `result`.

    The number of each step is sent through `steps`. The process leads a group of its own.
    """
    os.setsid()
    torch.set_num_threads(1)
    _arm(death, steps, case.params)
    torch.manual_seed(3)
    if case.encoder is None:
        generator = np.random.default_rng(0)
        gold = (generator.random((24, len(LABELS))) < 0.2).astype(np.int8)
        rows = vector_rows(generator.normal(size=(24, 32)).astype(np.float32), gold)
        model = head(dropout=0.3)
    else:
        rows = text_rows(case.frame, Path(case.encoder.id))
        model = build_encoder(case.encoder, None, dropout=0.1, labels=LABELS)
    done = trainer.train(model, binary_cross_entropy, rows, rows, case.params, 7, folder)
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    result.write_text(json.dumps({"weights": digest.hexdigest(), "curve": done.curve}))


def _arm(death: Death | None, steps: Connection, params: TrainingParams) -> None:
    occasions = [death.count if death else 0]

    def perhaps_die(moment: str) -> None:
        if death is not None and death.moment == moment:
            occasions[0] -= 1
            if occasions[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    gradients, update, predict = Learner.gradients, Learner.update, trainer.predict
    write, rename = checkpoints._write, Path.rename
    last = 6 * params.epochs - 1  # 24 rows by 4

    def dying_gradients(self, rows, batches, step):
        perhaps_die("before_step")
        steps.send(step)
        if death is not None and death.moment == "external" and step == last:
            signal.pause()
        return gradients(self, rows, batches, step)

    def dying_update(self, learning_rate):
        perhaps_die("before_update")
        update(self, learning_rate)

    def dying_predict(*arguments):
        perhaps_die("in_validation")
        return predict(*arguments)

    def dying_write(path, content):
        if death is not None and death.moment == "in_write":
            if len(content) > occasions[0]:
                path.write_bytes(content[: occasions[0]])
                os.kill(os.getpid(), signal.SIGKILL)
            occasions[0] -= len(content)
        write(path, content)

    def dying_rename(self, target):
        perhaps_die("before_rename")
        rename(self, target)
        perhaps_die("after_rename")

    Learner.gradients, Learner.update = dying_gradients, dying_update
    trainer.predict, checkpoints._write = dying_predict, dying_write
    Path.rename = dying_rename


def score_until(source: Path, output: Path, death: int | None, operations=None) -> None:
    """Score, resuming; die by SIGKILL at the file operation `death`; send their number to
    `operations`."""
    chunks.CHUNK_ROWS = CHUNK
    count = 0

    def passing() -> None:
        nonlocal count
        if count == death:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    def around(function):
        def wrapped(*arguments, **options):
            passing()
            result = function(*arguments, **options)
            passing()
            return result

        return wrapped

    def torn(stream, content: bytes) -> None:
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            passing()
            stream.write(half)
            stream.flush()

    class Scorer(StubScorer):
        probabilities = around(StubScorer.probabilities)

    resume._write = torn
    resume.write_json = around(resume.write_json)
    os.replace = around(os.replace)
    os.unlink = around(os.unlink)
    score(source, output, Scorer(), Options(), "stub", resume=True)
    if operations is not None:
        operations.send(count)
