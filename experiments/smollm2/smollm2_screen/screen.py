"""The arms of params.yaml, each read once by one thread → screen.csv.

    python -m smollm2_screen.screen WORKSPACE SMOLLM2

WORKSPACE is a checkout with `split.protocol: official` in which stages fetch and split have run;
SMOLLM2 is the folder that `python -m benchmarks.smollm2` writes. An arm that screen.csv has is not
run again. Test rows are not read.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML

from emotion_slm.backbone.params import LoraParams
from emotion_slm.common import paths
from emotion_slm.common.files import read_csv, read_parquet, write_csv
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.adapt import initial, to_rows
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.training.losses import build_loss
from emotion_slm.training.params import TrainingParams
from emotion_slm.training.trainer import train

RESULTS = Path("screen.csv")
COLUMNS = ("arm", "map", "macro_f1", "rows_per_second")


class Arm(NamedTuple):
    """What differs; `rank` of the adapters, or `none`; `after` is added to every text."""

    name: str
    rank: int | str
    learning_rate: float
    batch_size: int
    after: str = ""


def read_arms(params: Mapping) -> list[Arm]:
    return [Arm(name, **arm) for name, arm in params["arms"].items()]


def settings(document: Document, params: Mapping, arm: Arm, smollm2: Path):
    """Profile smollm2's encoder and adapt as the arm has them."""
    encoder = document.section("encoder", EncoderParams).model_copy(update={"id": str(smollm2)})
    adapt = document.section("adapt", AdaptParams)
    lora = "none" if arm.rank == "none" else LoraParams(r=arm.rank, alpha=2 * arm.rank, dropout=0)
    training = TrainingParams(
        **params["training"], learning_rate=arm.learning_rate, batch_size=arm.batch_size
    )
    return encoder, adapt.model_copy(update={"lora": lora, "training": training})


def run(document: Document, params: Mapping, arm: Arm, workspace: Path, smollm2: Path) -> dict:
    """Train and score one arm: a row of screen.csv."""
    labels = load_corpus(workspace / paths.RAW).labels
    encoder, adapt = settings(document, params, arm, smollm2)
    tokenizer = Tokenizer(smollm2, encoder.max_length)
    generator = np.random.default_rng(params["rows"]["seed"])
    rows = []
    for split in ("train", "validation"):
        frame = read_parquet(workspace / paths.SPLIT / f"{split}.parquet", ("id", "text", "labels"))
        drawn = np.sort(generator.permutation(len(frame))[: params["rows"][split]])
        frame = frame.iloc[drawn].assign(text=lambda some: some["text"] + arm.after)
        rows.append(to_rows(frame, labels, tokenizer))
    model = initial(encoder, adapt, labels, tokenizer, params["seed"])
    loss = build_loss(adapt.loss, labels, rows[0].gold)
    folder = Path(".scratch") / arm.name.replace(" ", "-")
    done = train(model, loss, *rows, adapt.training, params["seed"], folder)
    last = done.curve[-1]
    return {
        "arm": arm.name,
        "map": f"{last.validation_map:.4f}",
        "macro_f1": f"{last.validation_macro_f1:.4f}",
        "rows_per_second": f"{done.samples_per_second:.1f}",
    }


def finished(path: Path = RESULTS) -> list[str]:
    """The arms that the table has."""
    return [row["arm"] for row in read_csv(path, COLUMNS)] if path.exists() else []


def append(row: Mapping[str, str], path: Path = RESULTS) -> None:
    write_csv(path, COLUMNS, [*(read_csv(path, COLUMNS) if path.exists() else []), row])


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 2:
        raise SystemExit("usage: python -m smollm2_screen.screen WORKSPACE SMOLLM2")
    workspace, smollm2 = (Path(one).resolve() for one in arguments)
    document = Document.read(Path("../../params.yaml")).with_profile("smollm2")
    params = YAML(typ="safe").load(Path("params.yaml"))
    pin_threads(1)
    for arm in read_arms(params):
        if arm.name not in finished():
            append(run(document, params, arm, workspace, smollm2))


if __name__ == "__main__":
    main(sys.argv[1:])
