"""A corpus of one label a row, made by a seed; and a workspace in which the stages ran on it."""

from contextlib import chdir
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from emotion_slm.common.params import Document, write_run
from emotion_slm.corpus.labels import Corpus, LabelSet
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.workbench.params_check import checked_settings
from stages import ismote
from support.described import STAGES, write_workspace
from support.tiny import read_params, write_params

WORDS = {"billing": "angry", "praise": "happy", "question": "scared"}  # of labels
SHARES = (0.5, 0.3, 0.2)
LABELS = LabelSet(
    names=tuple(WORDS),
    targets=tuple(WORDS),
    thin="billing",
    groups={"tone": {"work": ("billing", "question")}},
    definitions={label: f"what {label} is about" for label in WORDS},
    single=True,
)
CORPUS = Corpus("tickets", "Tickets", LABELS)
LOSS = {"name": "cross_entropy", "class_weights": "balanced"}


def frames(*sizes: int) -> list[pd.DataFrame]:
    """Frames with `id, text, labels` of so many rows; four texts in five have a word that tells."""
    codes = ("".join(letters) for letters in product("abcdefghij", repeat=3))
    random = np.random.default_rng(0)
    found = []
    for place, size in enumerate(sizes):
        labels = random.choice(list(WORDS), size, p=SHARES)
        told = np.where(random.random(size) < 0.8, labels, random.choice(list(WORDS), size))
        texts = [f"The {next(codes)}, {WORDS[label]} {next(codes)}!" for label in told]
        ids = [f"{place}.{row}" for row in range(size)]
        lists = [[str(label)] for label in labels]
        found.append(pd.DataFrame({"id": ids, "text": texts, "labels": lists}))
    return found


def write_single_workspace(root: Path, encoder: EncoderParams) -> None:
    """Params, description and rows of corpus `tickets`, and what all stages make of them."""
    (frame,) = frames(360)
    rows = [
        {"body": text, "topic": labels[0]}
        for text, labels in zip(frame["text"], frame["labels"], strict=True)
    ]
    described = {"labels": {"column": "topic"}, "task": "single_label", "thin": "billing"}
    write_workspace(root, encoder, rows, **described)
    params = read_params(root)
    params["split"]["ratios"] = {"train": 0.4, "validation": 0.3, "test": 0.3}
    profile = params["profiles"]["sample"]
    profile["adapt"]["loss"] = profile["finetune"]["loss"] = dict(LOSS)
    profile["undersample"] = {"keep": 50}
    profile["ismote"] |= {"target": 60}
    profile["finetune"]["start"] = "adapted"
    profile["finetune"]["training"] |= {"batch_size": 32, "epochs": 10}
    write_params(root, params)
    with chdir(root), patch.object(ismote, "draw"):
        write_run(checked_settings(Document.read()))
        for stage in STAGES:
            stage.main()
