"""Few labelled tweets a class: this library, from MiniLM and from the released model, and SetFit.

    python -m benchmarks.few_shot WORKSPACE --setfit FOLDER [--rows 8 16 …] [--seeds 0 1 2]

WORKSPACE is what experiments/tweeteval needs; FOLDER holds SetFit (`make bench-few-shot` fills it).
All three learn from the same rows of train, drawn by the seed, and are scored on the same test rows
with settings fixed beforehand, none chosen on any held-out row. A line that few_shot.csv has is not
made again; few_shot.png is drawn of it.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import LogLocator

from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.ranking import macro_f1, most_probable
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import LabelSet, load_corpus
from emotion_slm.encoder.adapt import initial, to_rows
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import train
from emotion_slm.training.validation import predict

TABLE = Path("benchmarks/few_shot.csv")
PICTURE = Path("docs/understand/figures/few_shot.png")
COLUMNS = ("rows_per_class", "contender", "seed", "macro_f1", "seconds")
OURS = {"MiniLM": "tweeteval", "emotion model": "tweeteval-from-emotions"}
SETFIT = "SetFit"
ALL = 0  # rows per class: every row there is
EPOCHS = {8: 20, 16: 20, 32: 15, 64: 10, ALL: 5}
BATCH = 16
PAIRS = {8: 20, 16: 20, 32: 20, 64: 20, ALL: 1}  # SetFit's, of each kind and row
THREADS = 1


class Task(NamedTuple):
    """Rows to learn from and rows to be scored on, frames with `id, text, labels`."""

    labels: LabelSet
    train: object
    test: object


def few(frame, labels: LabelSet, per_class: int, seed: int):
    """`per_class` rows of each label, drawn by `seed`, in the frame's order; ALL: all of them."""
    if per_class == ALL:
        return frame
    random = np.random.default_rng(seed)
    carried = np.array([row[0] for row in frame["labels"]])
    drawn = [
        random.choice(np.flatnonzero(carried == label), per_class, replace=False)
        for label in labels.names
    ]
    return frame.iloc[np.sort(np.concatenate(drawn))]


def ours(task: Task, profile: str, document: Document, per_class: int, seed: int) -> tuple:
    """Macro-F1 on test and CPU seconds of training; the profile's settings, but EPOCHS and BATCH.

    The epoch that is kept is chosen on the rows learnt from: no other labelled ones are at hand.
    """
    chosen = document.with_profile(profile)
    encoder, adapt = chosen.section("encoder", EncoderParams), chosen.section("adapt", AdaptParams)
    changes = {"epochs": EPOCHS[per_class], "batch_size": BATCH}
    training = adapt.training.model_copy(update=changes)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    rows, unseen = (to_rows(part, task.labels, tokenizer) for part in (task.train, task.test))
    started = time.process_time()
    model = initial(encoder, adapt, task.labels, tokenizer, seed)
    loss = build_loss(adapt.loss, task.labels, rows.gold)
    with TemporaryDirectory() as folder:
        train(model, loss, rows, rows, training, seed, Path(folder))
    seconds = time.process_time() - started
    logits = predict(model, unseen, training, join())
    return macro_f1(unseen.gold, most_probable(logits)), seconds


def setfit(task: Task, model: Path, folder: Path, per_class: int, seed: int) -> tuple:
    """The same of SetFit, whose packages are in `folder`."""
    asked = {
        "model": str(model),
        "texts": task.train["text"].tolist(),
        "labels": [row[0] for row in task.train["labels"]],
        "unseen": task.test["text"].tolist(),
        "pairs": PAIRS[per_class],
        "seed": seed,
        "threads": THREADS,
    }
    script = Path(__file__).with_name("few_shot_setfit.py")
    done = subprocess.run(
        [sys.executable, script],
        input=json.dumps(asked),
        env=os.environ | {"PYTHONPATH": str(folder.resolve()), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    gold = task.labels.to_matrix(task.test["labels"])
    predicted = task.labels.to_matrix([label] for label in answer["predicted"])
    return macro_f1(gold, predicted), answer["seconds"]


def read_table() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(row: dict[str, object]) -> None:
    new = not TABLE.exists()
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def turns(sizes: list[int], seeds: list[int]) -> Iterator[tuple[int, str, int]]:
    """What the table lacks, contenders by turns."""
    done = {(row["rows_per_class"], row["contender"], row["seed"]) for row in read_table()}
    for size in sizes:
        for seed in seeds:
            for contender in (*OURS, SETFIT):
                if (named(size), contender, str(seed)) not in done:
                    yield size, contender, seed


def named(size: int) -> str:
    return "all" if size == ALL else str(size)


def summary(rows: list[dict[str, str]]) -> list[str]:
    """The lines of README.md's table."""
    lines = []
    for size in map(named, EPOCHS):
        for contender in (*OURS, SETFIT):
            own = [r for r in rows if (r["rows_per_class"], r["contender"]) == (size, contender)]
            if not own:
                continue
            scores = sorted(float(row["macro_f1"]) for row in own)
            mean, least, most = (decimals(x) for x in (np.mean(scores), scores[0], scores[-1]))
            seconds = np.median([float(row["seconds"]) for row in own])
            lines.append(
                f"| {size} | {contender} | {len(own)} | {mean} ({least}–{most}) | {seconds:.0f} |"
            )
    return lines


def decimals(score: float) -> str:
    return f"{score:.3f}".removeprefix("0")


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Macro-F1 and CPU seconds over the rows per class: every seed a dot, means a line."""
    sizes = [named(size) for size in EPOCHS if named(size) in {r["rows_per_class"] for r in rows}]
    colours = dict(zip((*OURS, SETFIT), (GREY, BLUE, ORANGE), strict=True))
    with canvas(path, 4.2, "Few labelled tweets a class", "TweetEval, emotion, test") as figure:
        panels = figure.subplots(1, 2)
        for axes, column, words in zip(
            panels, ("macro_f1", "seconds"), ("macro-F1", "CPU seconds of training"), strict=True
        ):
            for contender, colour in colours.items():
                found = {
                    size: [
                        float(row[column])
                        for row in rows
                        if (row["rows_per_class"], row["contender"]) == (size, contender)
                    ]
                    for size in sizes
                }
                drawn = [place for place, size in enumerate(sizes) if found[size]]
                for place in drawn:
                    values = found[sizes[place]]
                    axes.plot([place] * len(values), values, "o", color=colour, markersize=3)
                means = [np.mean(found[sizes[place]]) for place in drawn]
                axes.plot(drawn, means, color=colour, label=contender)
            axes.set_xticks(range(len(sizes)), sizes)
            axes.set_xlabel("rows per class")
            axes.set_title(words)
            axes.grid(axis="y")
        panels[1].set_yscale("log")
        panels[1].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panels[1].yaxis.set_major_formatter("{x:g}")
        panels[1].yaxis.set_minor_formatter("")
        panels[0].legend(loc="lower right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--setfit", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", type=int, default=list(EPOCHS), help="0: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    pin_threads(THREADS)
    workspace = options.workspace
    document = Document.read(workspace / paths.PARAMS)
    labels = load_corpus(workspace / paths.RAW).labels
    train_frame, test = (
        read_parquet(workspace / paths.SPLIT / f"{split}.parquet", ("id", "text", "labels"))
        for split in ("train", "test")
    )
    base = locate(document.with_profile(OURS["MiniLM"]).section("encoder", EncoderParams))
    for size, contender, seed in turns(options.rows, options.seeds):
        task = Task(labels, few(train_frame, labels, size, seed), test)
        if contender == SETFIT:
            score, seconds = setfit(task, base, options.setfit, size, seed)
        else:
            with chdir(workspace):  # where encoder.start finds its model
                score, seconds = ours(task, OURS[contender], document, size, seed)
        found = (named(size), contender, seed, f"{score:.6f}", f"{seconds:.1f}")
        append(dict(zip(COLUMNS, found, strict=True)))
        print(*found, flush=True)
    draw(read_table(), PICTURE)
    print(*summary(read_table()), sep="\n")


if __name__ == "__main__":
    main()
