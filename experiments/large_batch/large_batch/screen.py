"""A shallow one-position MiniLM by batch size and learning rate, on validation → results.csv.

    python -m large_batch.screen WORKSPACE

WORKSPACE is a checkout whose data/ holds the vectors and balanced rows of profile `recipe-minilm`.
An arm that results.csv has is not run again.
"""

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from goemotions import GOEMOTIONS, to_matrix
from ruamel.yaml import YAML
from transformers import AutoModel

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.backbone.pretrained import locate
from emotion_slm.balance.rows import read_balanced
from emotion_slm.classifier.finetune import LabelledVectors, finetune
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet, sha256_file
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.vectors import check_normalization, read_vectors
from emotion_slm.training.curve import best

PROFILE = "recipe-minilm"
OUTPUT = Path("results.csv")
CHECKPOINTS = Path(".scratch")


class Arm(NamedTuple):
    """What tells one training from another.

    `layers`: the lowest ones of the backbone, the rest left out; `rows` of the balanced ones, drawn
    once.
    """

    batch_size: int
    learning_rate: float
    seed: int
    layers: int
    rows: int
    epochs: int


class Outcome(NamedTuple):
    """Optimiser steps; the kept epoch and its validation metrics, macro-F1 at threshold 0.5."""

    steps: int
    epoch: int
    validation_map: float
    validation_macro_f1: float


COLUMNS = (*Arm._fields, *Outcome._fields)


def arms(params: Mapping) -> Iterator[Arm]:
    """Every arm of params.yaml, once per seed."""
    shared = {name: params[name] for name in ("layers", "rows", "epochs")}
    for content in params["arms"]:
        for seed in content["seeds"]:
            yield Arm(content["batch_size"], content["learning_rate"], seed, **shared)


def variant(recipe: FinetuneParams, arm: Arm) -> FinetuneParams:
    """The recipe with the arm's batch size, learning rate and epochs."""
    content = recipe.model_dump()
    changes = {name: getattr(arm, name) for name in ("batch_size", "learning_rate", "epochs")}
    return FinetuneParams(**content | {"training": content["training"] | changes})


def shallow(recipe: FinetuneParams, layers: int, folder: Path) -> FinetuneParams:
    """The recipe on the lowest `layers` of its backbone, which are written to `folder`."""
    backbone = recipe.classifier.backbone
    model = AutoModel.from_pretrained(locate(backbone), num_hidden_layers=layers)
    model.save_pretrained(folder)
    weights = sha256_file(folder / "model.safetensors")
    local = {"id": str(folder), "revision": None, "sha256": weights}
    short = BackboneParams(**backbone.model_dump() | local)
    classifier = recipe.classifier.model_copy(update={"backbone": short})
    return recipe.model_copy(update={"classifier": classifier})


def subset(rows: LabelledVectors, count: int, seed: int) -> LabelledVectors:
    """`count` of the rows, drawn without replacement, in their order; all of them if fewer."""
    random = np.random.default_rng(child_seed(seed, "large batch rows"))
    kept = np.sort(random.choice(len(rows.gold), min(count, len(rows.gold)), replace=False))
    ids = [rows.ids[index] for index in kept]
    return LabelledVectors(np.asarray(rows.vectors[kept]), rows.gold[kept], ids)


def checkpoints(arm: Arm) -> Path:
    """Where the arm's training is kept until results.csv has it."""
    return CHECKPOINTS / "-".join(f"{name}={value}" for name, value in arm._asdict().items())


def outcome(
    arm: Arm, train: LabelledVectors, validation: LabelledVectors, params: FinetuneParams
) -> Outcome:
    """Train the arm, from its last checkpoint if it was interrupted; its best epoch's figures."""
    place = checkpoints(arm)
    seed = child_seed(arm.seed, "finetune")
    curve = finetune(
        train, validation, GOEMOTIONS, params, seed, place / "model", place / "resume"
    ).curve
    kept = best(curve, params.training.selection)
    steps = params.training.epochs * -(-len(train.gold) // arm.batch_size)
    return Outcome(steps, kept.epoch, kept.validation_map, kept.validation_macro_f1)


def read_rows(workspace: Path) -> tuple[LabelledVectors, LabelledVectors]:
    """The balanced rows and validation; EmotionSlmError where vectors are not of unit length."""
    check_normalization(workspace / paths.EMBEDDED, True)
    vectors, balanced = read_balanced(workspace / paths.BALANCED)
    validation = read_parquet(workspace / paths.SPLIT / "validation.parquet", ("id", "labels"))
    ids = validation["id"].tolist()
    return (
        LabelledVectors(vectors, to_matrix(balanced["labels"]), balanced["id"].tolist()),
        LabelledVectors(
            read_vectors(workspace / paths.EMBEDDED, ids), to_matrix(validation["labels"]), ids
        ),
    )


def done(path: Path) -> set[Arm]:
    """The arms that `path` has."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {
            Arm(**{name: kind(row[name]) for name, kind in Arm.__annotations__.items()})
            for row in csv.DictReader(file)
        }


def append(path: Path, arm: Arm, result: Outcome) -> None:
    """One line more, after a header where the file is new."""
    new = not path.exists()
    metrics = f"{result.validation_map:.6f}", f"{result.validation_macro_f1:.6f}"
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([*arm, result.steps, result.epoch, *metrics])


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m large_batch.screen WORKSPACE")
    params = YAML(typ="safe").load(Path("params.yaml"))
    pin_threads(params["threads"])
    workspace = Path(sys.argv[1])
    document = Document.read(workspace / paths.PARAMS).with_profile(PROFILE)
    train, validation = read_rows(workspace)
    train = subset(train, params["rows"], params["row_seed"])
    finished = done(OUTPUT)
    with tempfile.TemporaryDirectory() as folder:
        whole = document.section("finetune", FinetuneParams)
        recipe = shallow(whole, params["layers"], Path(folder))
        for arm in arms(params):
            if arm not in finished:
                result = outcome(arm, train, validation, variant(recipe, arm))
                append(OUTPUT, arm, result)
                shutil.rmtree(checkpoints(arm))
                print(*arm, *result, flush=True)


if __name__ == "__main__":
    main()
