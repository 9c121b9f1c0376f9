"""A second teacher of another architecture: what a student learns from it → distilled.csv.

    python -m smollm2_screen.distilled WORKSPACE SMOLLM2 [STUDENT …]

WORKSPACE and SMOLLM2 as for `smollm2_screen.screen`. The official train set falls into thirds,
equal texts together. MiniLM and SmolLM2 read the first one; every student is that MiniLM going on
with the second one, which neither teacher has seen; the last one judges. A student's targets are a
mixture of gold and of what its teachers say of a row, so students differ in nothing but who
teaches. A student that distilled.csv has is not run again; with names, only those run. Test rows
are not read.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML
from scipy.special import expit

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import folds, paths
from emotion_slm.common.files import (
    read_csv,
    read_json,
    read_parquet,
    sha256_lines,
    write_array,
    write_csv,
    write_json,
)
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import LabelSet, load_corpus
from emotion_slm.encoder.adapt import initial, to_rows
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.params import EvaluateParams, ThresholdParams
from emotion_slm.training.batches import Rows
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import binary_cross_entropy, build_loss
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict
from smollm2_screen.together import row as scores_of

RESULTS = Path("distilled.csv")
COLUMNS = ("student", "seed", "map", "macro_f1", "nll")
FOLDER = Path(".scratch/distilled")
TEXTS = ("id", "text", "labels", "duplicate_group")


class Parts(NamedTuple):
    """Frames: what teachers read, what they teach, rows that choose an epoch, rows that judge."""

    read: object
    taught: object
    selection: object
    judged: object


def parts(workspace: Path, labels: LabelSet, params: Mapping) -> Parts:
    frame, validation = (
        read_parquet(workspace / paths.SPLIT / f"{split}.parquet", TEXTS)
        for split in ("train", "validation")
    )
    groups = rows_together(frame)
    gold = labels.to_matrix(frame["labels"])
    third = folds.assign(gold, groups[:, None], 3, params["split_seed"], groups)
    random = np.random.default_rng(params["split_seed"])
    drawn = np.sort(random.permutation(len(validation))[: params["selection_rows"]])
    read, taught, judged = (frame[third == number] for number in range(3))
    return Parts(read, taught, validation.iloc[drawn], judged)


class Reader(NamedTuple):
    """A profile's model before any training, and how it reads rows."""

    name: str
    encoder: EncoderParams
    adapt: AdaptParams
    tokenizer: Tokenizer
    labels: LabelSet

    @classmethod
    def of(
        cls, profile: str, document: Document, labels: LabelSet, training: Mapping, **encoder
    ) -> "Reader":
        """The profile's model, its `training` and `encoder` changed."""
        chosen = document.with_profile(profile)
        settings = chosen.section("encoder", EncoderParams).model_copy(update=encoder)
        adapt = chosen.section("adapt", AdaptParams)
        changed = adapt.training.model_copy(update=dict(training))
        adapt = adapt.model_copy(update={"training": changed})
        return cls(
            profile, settings, adapt, Tokenizer(locate(settings), settings.max_length), labels
        )

    def rows(self, frame) -> Rows:
        return to_rows(frame, self.labels, self.tokenizer)

    def teacher(self, data: Parts, seed: int) -> TextClassifier:
        """One training on what teachers read, with the profile's settings; found again."""
        model = initial(self.encoder, self.adapt, self.labels, self.tokenizer, seed)
        rows, selection = self.rows(data.read), self.rows(data.selection)
        loss = build_loss(self.adapt.loss, self.labels, rows.gold)
        folder = FOLDER / f"teacher-{self.name}"
        curve = train(model, loss, rows, selection, self.adapt.training, seed, folder).curve
        print(self.name, *(f"{epoch.validation_map:.4f}" for epoch in curve), flush=True)
        return model

    def logits(self, model: TextClassifier, frame) -> np.ndarray:
        return predict(model, self.rows(frame), self.adapt.training, join())

    def says(self, data: Parts, seed: int) -> np.ndarray:
        """(n, labels) float32 probabilities of the rows that are taught."""
        path = FOLDER / f"{self.name}.npy"
        if not path.exists():
            write_array(path, expit(self.logits(self.teacher(data, seed), data.taught)))
        return np.load(path)


def logits_path(name: str, seed: int) -> Path:
    """Of a student: its logits of the rows that judge, beside its checkpoints."""
    return FOLDER / f"student-{name}-{seed}" / "logits.npy"


def targets(gold: np.ndarray, said: Sequence[np.ndarray], weight: float) -> np.ndarray:
    """`weight` · the teachers' mean + (1 − `weight`) · gold, (n, labels) float32; gold without."""
    if not said:
        return gold
    return (weight * np.mean(said, axis=0) + (1 - weight) * gold).astype(np.float32)


def student(
    data: Parts, reader: Reader, said: Sequence[np.ndarray], name: str, seed: int, params
) -> Scored:
    """MiniLM's teacher going on with the taught rows: its logits of the rows that judge."""
    model = reader.teacher(data, params["seed"])
    rows = reader.rows(data.taught)
    rows = rows._replace(gold=targets(rows.gold, said, params["weight"]))
    path, selection = logits_path(name, seed), reader.rows(data.selection)
    settings = reader.adapt.training
    random = child_seed(seed, "student")
    train(model, binary_cross_entropy, rows, selection, settings, random, path.parent)
    gold = reader.labels.to_matrix(data.judged["labels"])
    logits = reader.logits(model, data.judged)
    write_array(path, logits)
    return Scored(logits, gold, rows_together(data.judged), reader.labels)


def guard(params: Mapping, data: Parts) -> None:
    """What earlier runs left in FOLDER must be of these settings and rows."""
    now = {"settings": dict(params), "rows": [sha256_lines(frame["id"]) for frame in data]}
    path = FOLDER / "settings.json"
    if path.exists() and read_json(path) != now:
        raise SystemExit(f"{FOLDER} is of other settings or rows: delete it, and {RESULTS}")
    write_json(path, now)


def finished(path: Path = RESULTS) -> set[tuple[str, str]]:
    rows = read_csv(path, COLUMNS) if path.exists() else []
    return {(row["student"], row["seed"]) for row in rows}


def add(name: str, seed: int, scored: Scored, thresholds: ThresholdParams) -> None:
    found = scores_of(name, scored, thresholds, None)
    row = {"student": name, "seed": str(seed)} | {key: found[key] for key in COLUMNS[2:]}
    write_csv(RESULTS, COLUMNS, [*(read_csv(RESULTS, COLUMNS) if RESULTS.exists() else []), row])
    print(*row.values(), flush=True)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) < 2:
        raise SystemExit("usage: python -m smollm2_screen.distilled WORKSPACE SMOLLM2 [STUDENT …]")
    workspace, smollm2, chosen = Path(arguments[0]), Path(arguments[1]).resolve(), arguments[2:]
    document = Document.read(Path("../../params.yaml"))
    params = YAML(typ="safe").load(Path("params.yaml"))["distillation"]
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    pin_threads(1)
    labels = load_corpus(workspace / paths.RAW).labels
    data = parts(workspace, labels, params)
    guard(params, data)
    readers = {
        "minilm": Reader.of("minilm", document, labels, {}),
        "smollm2": Reader.of("smollm2", document, labels, params["smollm2"], id=str(smollm2)),
    }
    for seed in params["seeds"]:
        for name, teachers in params["students"].items():
            if (name, str(seed)) in finished() or (chosen and name not in chosen):
                continue
            said = [readers[teacher].says(data, params["seed"]) for teacher in teachers]
            add(name, seed, student(data, readers["minilm"], said, name, seed, params), thresholds)


if __name__ == "__main__":
    main(sys.argv[1:])
