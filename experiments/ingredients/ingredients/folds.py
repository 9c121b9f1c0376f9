"""Arms of folds.yaml, cross-validated on rows that are in no test set → folds.csv.

    python -m ingredients.folds WORKSPACE [ARM …]

WORKSPACE is a checkout in which stage `fetch` has run. Held-out logits are kept under .scratch.
What folds.csv has is not run again; with names, only those arms run.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from goemotions import CORPUS, GOEMOTIONS, to_matrix
from ruamel.yaml import YAML

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import folds as fold_assignment
from emotion_slm.common import paths
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.params import SplitParams
from emotion_slm.corpus.split import split_official, split_pooled
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapt import initial
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict
from ingredients.arms import Arm, objective, reading, settings, targets
from ingredients.distillation import DistillationParams, learn, teach
from ingredients.screen import PROFILE, SEED, Outcome, append, checkpoints, done, judge, to_rows

PARAMS = Path("folds.yaml")
OUTPUT = Path("folds.csv")


class Fold(NamedTuple):
    """Rows to train on, to choose the epoch on, to judge on; `groups` number the texts of train."""

    train: Rows
    selection: Rows
    judged: Rows
    groups: np.ndarray


def rows_in_no_test(workspace: Path, document: Document):
    """Official train and validation, in that order, without texts of the pooled split's test."""
    import pandas as pd

    corpus = read_corpus(workspace / paths.RAW, CORPUS)
    ratios = document.section("split", SplitParams).ratios
    pooled = split_pooled(corpus, GOEMOTIONS, ratios, child_seed(document.seed, "split")).frames[
        "test"
    ]
    official = split_official(corpus).frames
    rows = pd.concat([official["train"], official["validation"]], ignore_index=True)
    seen = set(pooled["duplicate_group"]) | set(official["test"]["duplicate_group"])
    return rows[~rows["duplicate_group"].isin(seen)].reset_index(drop=True)


def fold_of(frame, count: int, seed: int) -> np.ndarray:
    """(n,) int64 fold of each row, stratified by label; equal texts stay together."""
    groups = frame["duplicate_group"].to_numpy()
    return fold_assignment.assign(to_matrix(frame["labels"]), groups[:, None], count, seed, groups)


def outcome(
    arm: Arm, number: int, fold: Fold, params: Mapping, document: Document, tokenizer: Tokenizer
) -> Outcome:
    """Train the arm on `train`, keep the epoch best on `selection`, judge it on `judged`."""
    started = time.monotonic()
    pinned = {name: params[name] for name in ("head", "loss")}
    profile = document.section("adapt", AdaptParams).model_dump()
    encoder, adapt = settings(
        arm,
        document.section("encoder", EncoderParams),
        AdaptParams(**profile | pinned),
        {name: params[name] for name in ("epochs", "precision")},
    )

    def build():
        return reading(arm, initial(encoder, adapt, GOEMOTIONS, tokenizer, SEED))

    loss = objective(arm, build_loss(adapt.loss, GOEMOTIONS))
    rows = fold.train._replace(gold=targets(arm, fold.train.gold))
    place = checkpoints(f"{arm.name} {number}", encoder, adapt, rows)
    seed, training = child_seed(SEED, f"fold {number}"), adapt.training
    model = build()
    if arm.teachers:
        groups = fold.groups if arm.cross_fitted else None
        taught = teach(
            build, loss, rows, fold.selection, groups, arm.teachers, training, seed, place
        )
        distillation = DistillationParams(**params["distillation"])
        learn(model, taught, rows, fold.selection, distillation, seed, place / "student")
    else:
        train(model, loss, rows, fold.selection, training, seed, place)
    logits = predict(model, fold.judged, training, join())
    np.save(place / "logits.npy", logits)
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    return judge(logits, fold.judged.gold, thresholds, time.monotonic() - started)


def parts(frame, fold: np.ndarray, held_out: int, params: Mapping, tokenizer: Tokenizer) -> Fold:
    """The rows of one fold; those of `selection` are drawn from the other folds."""
    random = np.random.default_rng(child_seed(params["fold_seed"], f"selection {held_out}"))
    others = random.permutation(np.flatnonzero(fold != held_out))
    selection, train_rows = np.split(others, [params["selection_rows"]])
    chosen = [train_rows, selection, np.flatnonzero(fold == held_out)]
    frames = [frame.iloc[np.sort(where)] for where in chosen]
    groups = frames[0]["duplicate_group"].to_numpy()
    return Fold(*(to_rows(part, tokenizer) for part in frames), groups)


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m ingredients.folds WORKSPACE [ARM …]")
    params = YAML(typ="safe").load(PARAMS)
    pin_threads(params["threads"])
    workspace, chosen = Path(sys.argv[1]), sys.argv[2:]
    document = Document.read(workspace / paths.PARAMS).with_profile(PROFILE)
    encoder = document.section("encoder", EncoderParams)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    frame = rows_in_no_test(workspace, document)
    folds = fold_of(frame, params["folds"], params["fold_seed"])
    for held_out in params["run"]:
        fold = parts(frame, folds, held_out, params, tokenizer)
        for arm in (Arm(**content) for content in params["arms"]):
            if (arm.name, held_out) not in done(OUTPUT) and (not chosen or arm.name in chosen):
                result = outcome(arm, held_out, fold, params, document, tokenizer)
                append(OUTPUT, arm.name, held_out, result)
                print(arm.name, held_out, *result, flush=True)


if __name__ == "__main__":
    main()
