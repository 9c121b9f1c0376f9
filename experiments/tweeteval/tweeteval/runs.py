"""The arms of params.yaml, trained by seed; validation is scored → results.csv.

    python -m tweeteval.runs WORKSPACE [ARM …]

WORKSPACE is a checkout with `split.protocol: official` in which stages fetch and split have run for
profile `tweeteval`, and which has the released model in models/goemotions. An arm and seed that
results.csv has is not run again. Logits of test are kept, and looked at by `tweeteval.looks` alone.
"""

import csv
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import LabelSet, load_corpus
from emotion_slm.encoder.adapt import initial, to_rows
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.evaluation.evaluate import Scored, cross_validated_macro_f1, decide
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.training.curve import best
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict

RESULTS = Path("results.csv")
KEPT = Path(".scratch")  # logits, and checkpoints of what was interrupted
COLUMNS = ("arm", "seed", "epoch", "validation_macro_f1", "validation_nll", "seconds")
DECISION_SEED = 0


class Arm(NamedTuple):
    """A profile, with what it differs in of `adapt.training` and `adapt.loss`."""

    name: str
    profile: str
    seeds: Sequence[int]
    training: Mapping = {}
    loss: Mapping = {}

    def stem(self, seed: int) -> str:
        """What its files are called."""
        return f"{self.name.replace(' ', '-')}-{seed}"


class Rows(NamedTuple):
    """A split of the workspace: its frame, (n, labels) gold, (n,) groups."""

    frame: object
    gold: np.ndarray
    groups: np.ndarray

    def scored(self, logits: np.ndarray, labels: LabelSet) -> Scored:
        return Scored(logits, self.gold, self.groups, labels)


def read_arms(path: Path = Path("params.yaml")) -> tuple[int, list[Arm]]:
    """Threads, and the arms."""
    content = YAML(typ="safe").load(path)
    return content["threads"], [Arm(**arm) for arm in content["arms"]]


def read_rows(workspace: Path) -> tuple[LabelSet, dict[str, Rows]]:
    labels, found = load_corpus(workspace / paths.RAW).labels, {}
    for split in paths.SPLITS:
        columns = ("id", "text", "labels", "duplicate_group")
        frame = read_parquet(workspace / paths.SPLIT / f"{split}.parquet", columns)
        groups = frame["duplicate_group"].to_numpy()
        found[split] = Rows(frame, labels.to_matrix(frame["labels"]), groups)
    return labels, found


def settings(arm: Arm, document: Document) -> tuple[EncoderParams, AdaptParams]:
    chosen = document.with_profile(arm.profile)
    adapt = chosen.section("adapt", AdaptParams).model_dump()
    adapt["training"] |= arm.training
    adapt["loss"] |= arm.loss
    return chosen.section("encoder", EncoderParams), AdaptParams(**adapt)


def run(
    arm: Arm,
    seed: int,
    document: Document,
    labels: LabelSet,
    rows: Mapping[str, Rows],
    kept: Path,
) -> dict[str, object]:
    """Train, write the logits of validation and test into the folder `kept`, and judge the epoch
    kept on validation."""
    started = time.monotonic()
    encoder, params = settings(arm, document)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    ready = {split: to_rows(part.frame, labels, tokenizer) for split, part in rows.items()}
    model = initial(encoder, params, labels, tokenizer, seed)
    loss = build_loss(params.loss, labels, ready["train"].gold)
    folder = kept / f"{arm.stem(seed)}-checkpoints"
    done = train(model, loss, ready["train"], ready["validation"], params.training, seed, folder)
    logits = {
        split: predict(model, ready[split], params.training, join())
        for split in ("validation", "test")
    }
    np.savez(kept / f"{arm.stem(seed)}.npz", **logits)
    validation = rows["validation"].scored(logits["validation"], labels)
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    choice = decide(validation, thresholds, DECISION_SEED).choice
    macro_f1 = cross_validated_macro_f1(
        validation.logits, validation.gold, choice, thresholds, single=True
    )
    return {
        "arm": arm.name,
        "seed": seed,
        "epoch": best(done.curve, params.training.selection).epoch,
        "validation_macro_f1": f"{macro_f1:.6f}",
        "validation_nll": f"{min(choice.nll.values()):.6f}",
        "seconds": f"{time.monotonic() - started:.0f}",
    }


def done(path: Path) -> set[tuple[str, int]]:
    """The arms and seeds that a table has."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["arm"], int(row["seed"])) for row in csv.DictReader(file)}


def append(path: Path, columns: Sequence[str], row: Mapping[str, object]) -> None:
    """One line more, after a header where the file is new."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def waiting(arms: Sequence[Arm], path: Path) -> Iterator[tuple[Arm, int]]:
    """Every arm and seed that a table lacks, the first seeds first."""
    finished = done(path)
    for place in range(max(len(arm.seeds) for arm in arms)):
        for arm in arms:
            if place < len(arm.seeds) and (arm.name, arm.seeds[place]) not in finished:
                yield arm, arm.seeds[place]


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m tweeteval.runs WORKSPACE [ARM …]")
    threads, arms = read_arms()
    pin_threads(threads)
    workspace, chosen, kept = Path(sys.argv[1]), sys.argv[2:], KEPT.resolve()
    kept.mkdir(exist_ok=True)
    labels, rows = read_rows(workspace)
    document = Document.read(workspace / paths.PARAMS)
    for arm, seed in waiting([arm for arm in arms if not chosen or arm.name in chosen], RESULTS):
        with chdir(workspace):  # where encoder.start finds its model
            row = run(arm, seed, document, labels, rows, kept)
        append(RESULTS, COLUMNS, row)
        print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
