"""Train every arm that curves.csv lacks → curves.csv, and logits and states in .scratch.

    python -m attention_sink.train WORKSPACE SMOLLM2

An interrupted training goes on from its last epoch.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from goemotions import GOEMOTIONS

from attention_sink.arms import Arm, Experiment, Sets, build, read_sets
from attention_sink.states import varying
from emotion_slm.classifier.finetuned import LabelledVectors, logits
from emotion_slm.classifier.one_position import OnePositionClassifier
from emotion_slm.common.files import write_array
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.training.batches import Rows
from emotion_slm.training.curve import Epoch
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import train

CURVES = Path("curves.csv")
LOGITS = "logits.npy"
# `varies`: share of the energy of the last states that differs from row to row, once trained; empty
# for a head, which has none.
COLUMNS = (*Arm._fields, *Epoch._fields, "varies")


def run(arm: Arm, experiment: Experiment, sets: Sets) -> tuple[list[Epoch], float | None]:
    """Train the arm and write the logits of its best epoch; its curve, and what varies then."""
    params = experiment.finetune(arm)
    seed = child_seed(arm.seed, "finetune")
    torch.manual_seed(seed)  # initial layers and adapters
    model = build(params, sets.train.vectors.shape[1])
    loss = build_loss(params.loss, GOEMOTIONS, sets.train.gold)
    parts = (_rows(sets.train), _rows(sets.curve))
    curve = train(model, loss, *parts, params.training, seed, arm.scratch / "resume").curve
    model.eval()
    write_array(arm.scratch / LOGITS, logits(model, sets.score.vectors))
    if not isinstance(model, OnePositionClassifier):
        return curve, None
    shown = sets.train.vectors[: experiment.params["states"]["rows"]]
    return curve, float(varying(model, shown)[-1])


def done(path: Path) -> set[Arm]:
    """The arms that `path` has."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {Arm(row["name"], int(row["seed"])) for row in csv.DictReader(file)}


def append(path: Path, arm: Arm, curve: list[Epoch], varies: float | None) -> None:
    """A line for each epoch, after a header where the file is new."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for epoch in curve:
            figures = [f"{value:.6f}" for value in epoch[1:]]
            writer.writerow(
                [*arm, epoch.epoch, *figures, "" if varies is None else f"{varies:.6f}"]
            )


def _rows(part: LabelledVectors) -> Rows:
    return Rows(*part, _collate)


def _collate(vectors: np.ndarray) -> dict[str, torch.Tensor]:
    return {"vectors": torch.from_numpy(np.asarray(vectors, dtype=np.float32))}


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m attention_sink.train WORKSPACE SMOLLM2")
    experiment = Experiment.read(Path("../.."), Path(sys.argv[2]))
    pin_threads(experiment.params["threads"])
    sets = read_sets(Path(sys.argv[1]), experiment.params["rows"])
    finished = done(CURVES)
    for arm in experiment.arms():
        if arm not in finished:
            curve, varies = run(arm, experiment, sets)
            append(CURVES, arm, curve, varies)
            print(*arm, *curve[-1], varies, flush=True)


if __name__ == "__main__":
    main()
