"""A workspace with every file that the leak audit reads, made by the stages on a tiny encoder."""

from contextlib import chdir
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from emotion_slm.common import paths
from emotion_slm.common.params import Document, write_run
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import write_corpus
from emotion_slm.encoder.params import EncoderParams
from stages import adapt, baselines, embed, evaluate, finetune, ismote, split, undersample
from support.labels import CORPUS, SAMPLE
from support.tiny import read_params, write_params

MEANINGS = {"happy": "joy", "angry": "anger", "sad": "sadness", "scared": "fear", "": "neutral"}
SIZES = {"train": 200, "dev": 150, "test": 150}
STAGES = (split, adapt, embed, undersample, ismote, finetune, baselines, evaluate)


def write_audited_workspace(root: Path, encoder: EncoderParams, protocol: str) -> None:
    """Raw corpus to packaged model, without pictures; ids such as train7, dev3, test0.

    dev0 repeats the text of test0 and train0 that of dev1, in another case: the protocol `official`
    drops both.
    """
    params = read_params(Path())
    params |= {"profile": "sample", "threads": 1}
    params["split"] = {
        "protocol": protocol, "ratios": {"train": 0.4, "validation": 0.3, "test": 0.3},
    }  # fmt: skip
    params["evaluate"]["thresholds"] = {"grid_step": 0.05, "folds": 3, "shrinkage": 100}
    sample = params["profiles"]["sample"]
    sample["encoder"] = encoder.model_dump()
    sample["undersample"]["keep"] = 20
    sample["ismote"]["target"] = 50
    sample["finetune"]["training"]["batch_size"] = 32
    root.mkdir(parents=True, exist_ok=True)
    write_params(root, params)
    write_run(Document.read(root / paths.PARAMS).settings, root / paths.RUN)
    _write_raw(root / paths.RAW)
    with chdir(root), patch.object(ismote, "draw"), patch.object(evaluate, "draw"):
        for stage in STAGES:
            stage.main()


def _write_raw(folder: Path) -> None:
    codes = ("".join(letters) for letters in product("abcdefghij", repeat=3))
    random = np.random.default_rng(0)
    frames = {}
    for name, size in SIZES.items():
        words = random.choice(list(MEANINGS), size)
        frame = pd.DataFrame(
            {
                "id": [f"{name}{row}" for row in range(size)],
                "text": [f"The {next(codes)}, {word} {next(codes)}!" for word in words],
                "labels": [[MEANINGS[word]] for word in words],
            }
        )
        frame.loc[5, "labels"].append("surprise")
        frames[name] = frame
    frames["dev"].loc[0, "text"] = frames["test"].loc[0, "text"].upper()
    frames["train"].loc[0, "text"] = frames["dev"].loc[1, "text"].upper()
    contents = {f"{name}.tsv": tsv.render(frame, CORPUS) for name, frame in frames.items()}
    tsv.write_together(folder, contents)
    write_corpus(folder, SAMPLE)
