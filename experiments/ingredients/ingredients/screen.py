"""One ingredient at a time, judged on validation → results.csv.

    python -m ingredients.screen WORKSPACE [ARM …]

WORKSPACE is a checkout whose data/split is that of the official protocol. An arm that results.csv
has is not run again; with names, only those arms run.
"""

import csv
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from goemotions import GOEMOTIONS, to_matrix
from ruamel.yaml import YAML

from emotion_slm.backbone.pretrained import locate
from emotion_slm.calibration.choice import choose
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet, sha256_lines
from emotion_slm.common.params import Document
from emotion_slm.common.ranking import mean_average_precision
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.adapt import initial
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.evaluation.evaluate import cross_validated_macro_f1
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict
from ingredients.arms import Arm, objective, reading, settings, targets
from ingredients.distillation import DistillationParams, learn, teach

PROFILE = "minilm"
OUTPUT = Path("results.csv")
CHECKPOINTS = Path(".scratch")
SEED = 3407
STUDENT_WEIGHT = 0.7


class Outcome(NamedTuple):
    """Of the kept epoch on validation: mAP; macro-F1 and NLL, both cross-validated within it."""

    validation_map: float
    macro_f1: float
    nll: float
    seconds: float


COLUMNS = ("arm", "seed", *Outcome._fields)


class Setting(NamedTuple):
    """What every arm shares."""

    encoder: EncoderParams
    adapt: AdaptParams
    shared: Mapping
    train: Rows
    selection: Rows  # a part of validation, on which the epoch is chosen
    validation: Rows
    thresholds: ThresholdParams
    tokenizer: Tokenizer


def outcome(arm: Arm, seed: int, setting: Setting) -> Outcome:
    """Train the arm and judge the epoch it keeps.

    The seed drives dropout and the order of rows as that of a teacher does (distillation.py),
    so the arm `base` leaves the teachers of the arm that distils.
    """
    started = time.monotonic()
    encoder, params = settings(arm, setting.encoder, setting.adapt, setting.shared)

    def build():
        return reading(arm, initial(encoder, params, GOEMOTIONS, setting.tokenizer, SEED))

    loss = objective(arm, build_loss(params.loss, GOEMOTIONS))
    model, selection = build(), setting.selection
    rows = setting.train._replace(gold=targets(arm, setting.train.gold))
    if arm.teachers:
        folder = checkpoints("base", encoder, params, rows)
        taught = teach(
            build, loss, rows, selection, None, arm.teachers, params.training, SEED, folder
        )
        distillation = DistillationParams(weight=STUDENT_WEIGHT, training=params.training)
        student = folder / f"student-{seed}"
        learn(model, taught, rows, selection, distillation, SEED + seed, student)
    else:
        folder = checkpoints(arm.name, encoder, params, rows) / f"teacher-{seed}"
        own_seed = child_seed(SEED, f"teacher {seed}")
        train(model, loss, rows, selection, params.training, own_seed, folder)
    logits = predict(model, setting.validation, params.training, join())
    return judge(logits, setting.validation.gold, setting.thresholds, time.monotonic() - started)


def checkpoints(name: str, encoder: EncoderParams, adapt: AdaptParams, rows: Rows) -> Path:
    """Folder of a training: another one for other settings or rows."""
    content = [encoder.model_dump(), adapt.model_dump(), sha256_lines(rows.ids)]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return CHECKPOINTS / f"{name.replace(' ', '-')}-{digest[:8]}"


def judge(
    logits: np.ndarray, gold: np.ndarray, thresholds: ThresholdParams, seconds: float
) -> Outcome:
    """What validation says of (n, 28) logits, nothing judged on rows it was fitted on."""
    choice = choose(logits, gold, thresholds.folds, SEED)
    return Outcome(
        mean_average_precision(gold, logits),
        cross_validated_macro_f1(logits, gold, choice, thresholds),
        min(choice.nll.values()),
        seconds,
    )


def read_setting(workspace: Path, params: Mapping) -> Setting:
    """The profile, `rows` of the official train, and all of its validation."""
    document = Document.read(workspace / paths.PARAMS).with_profile(PROFILE)
    encoder = document.section("encoder", EncoderParams)
    adapt = document.section("adapt", AdaptParams).model_dump()
    adapt |= {name: params[name] for name in ("head", "loss")}
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    frames = {
        split: read_parquet(workspace / paths.SPLIT / f"{split}.parquet", ("id", "text", "labels"))
        for split in ("train", "validation")
    }
    random = np.random.default_rng(child_seed(params["row_seed"], "ingredient rows"))
    parts = {"train": params["rows"], "validation": params["selection_rows"]}
    drawn = {
        split: np.sort(random.choice(len(frames[split]), count, replace=False))
        for split, count in parts.items()
    }
    shared = {"epochs": params["epochs"], "precision": params["precision"]}
    return Setting(
        encoder,
        AdaptParams(**adapt),
        shared,
        to_rows(frames["train"].iloc[drawn["train"]], tokenizer),
        to_rows(frames["validation"].iloc[drawn["validation"]], tokenizer),
        to_rows(frames["validation"], tokenizer),
        document.section("evaluate", EvaluateParams).thresholds,
        tokenizer,
    )


def to_rows(frame, tokenizer: Tokenizer) -> Rows:
    """The rows of a frame with `id, text, labels`, read by `tokenizer`."""
    token_ids = tokenizer(frame["text"].tolist())
    lengths = np.array([len(ids) for ids in token_ids])
    return Rows(token_ids, to_matrix(frame["labels"]), frame["id"].tolist(), tokenizer.pad, lengths)


def arms(params: Mapping) -> Iterator[tuple[Arm, int]]:
    """Every arm of params.yaml, once per seed."""
    for content in params["arms"]:
        arm = Arm(**content)
        for seed in arm.seeds:
            yield arm, seed


def done(path: Path) -> set[tuple[str, int]]:
    """The arms and seeds that `path` has."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["arm"], int(row["seed"])) for row in csv.DictReader(file)}


def append(path: Path, arm: str, seed: int, result: Outcome) -> None:
    """One line more, after a header where the file is new."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        *scores, seconds = result
        writer.writerow([arm, seed, *(f"{score:.6f}" for score in scores), f"{seconds:.0f}"])


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m ingredients.screen WORKSPACE [ARM …]")
    params = YAML(typ="safe").load(Path("params.yaml"))
    pin_threads(params["threads"])
    setting = read_setting(Path(sys.argv[1]), params)
    chosen = sys.argv[2:]
    for arm, seed in arms(params):
        if (arm.name, seed) not in done(OUTPUT) and (not chosen or arm.name in chosen):
            result = outcome(arm, seed, setting)
            append(OUTPUT, arm.name, seed, result)
            print(arm.name, seed, *result, flush=True)


if __name__ == "__main__":
    main()
