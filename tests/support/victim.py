"""A small training in a process of its own, with ways to die."""

import hashlib
import json
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.training import checkpoints, trainer
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.params import TrainingParams
from support.training import head, text_rows, vector_rows


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


def run(case: Case, folder: Path, result: Path, death: Death | None, steps: Connection) -> None:
    """Train in `folder` and write the digest of the weights and the curve to `result`.

    Every step is told through `steps`. The process leads a group of its own.
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
        model = build_encoder(case.encoder, None, dropout=0.1)
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
