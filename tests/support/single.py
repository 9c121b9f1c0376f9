"""A corpus of one label a row, made by a seed; and a workspace in which the stages ran on it."""

from contextlib import chdir
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from emotion_slm.common import paths
from emotion_slm.common.params import Document, write_run
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import Corpus, LabelSet, write_corpus
from emotion_slm.encoder.params import EncoderParams
from stages import ismote
from support.audited import STAGES
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
SIZES = {"train": 160, "dev": 100, "test": 100}
LOSS = {"name": "cross_entropy", "class_weights": "balanced"}


def frames() -> dict[str, pd.DataFrame]:
    """Texts with a word that tells the label four times in five, by raw split."""
    codes = ("".join(letters) for letters in product("abcdefghij", repeat=3))
    random = np.random.default_rng(0)
    found = {}
    for name, size in SIZES.items():
        labels = random.choice(list(WORDS), size, p=SHARES)
        told = np.where(random.random(size) < 0.8, labels, random.choice(list(WORDS), size))
        texts = [f"The {next(codes)}, {WORDS[label]} {next(codes)}!" for label in told]
        ids = [f"{name}{row}" for row in range(size)]
        found[name] = pd.DataFrame(
            {"id": ids, "text": texts, "labels": [[str(label)] for label in labels]}
        )
    return found


def write_single_workspace(root: Path, encoder: EncoderParams) -> None:
    """Raw corpus to packaged model, of one label a row."""
    params = read_params(Path())
    params |= {"profile": "sample", "threads": 1}
    params["split"]["ratios"] = {"train": 0.4, "validation": 0.3, "test": 0.3}
    params["evaluate"]["thresholds"] = {"grid_step": 0.05, "folds": 3, "shrinkage": 100}
    profile = params["profiles"]["sample"]
    profile["encoder"] = encoder.model_dump()
    profile["adapt"]["loss"] = profile["finetune"]["loss"] = dict(LOSS)
    profile["undersample"]["keep"] = 50
    profile["ismote"] |= {"target": 60, "exclude_labels": []}
    profile["finetune"] |= {"start": "adapted"}
    profile["finetune"]["training"]["batch_size"] = 32
    root.mkdir(parents=True, exist_ok=True)
    write_params(root, params)
    write_run(Document.read(root / paths.PARAMS).settings, root / paths.RUN)
    contents = {f"{name}.tsv": tsv.render(frame, LABELS) for name, frame in frames().items()}
    tsv.write_together(root / paths.RAW, contents)
    write_corpus(root / paths.RAW, CORPUS)
    with chdir(root), patch.object(ismote, "draw"):
        for stage in STAGES:
            stage.main()
