"""A workspace in which the stages run on a described corpus of one's own, in this process."""

import json
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

import numpy as np
from ruamel.yaml import YAML

from emotion_slm.common import paths
from emotion_slm.common.params import Document, write_run
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.workbench.params_check import checked_settings
from stages import adapt, baselines, embed, evaluate, fetch, finetune, ismote, split, undersample
from support.tiny import read_params, write_params

STAGES = (fetch, split, adapt, embed, undersample, ismote, finetune, baselines, evaluate)
WORDS = ("happy", "angry", "sad", "scared", "cat", "dog", "tree", "house")


def labels_of(count: int, rows: int, unlabelled: bool = True, seed: int = 0) -> list[list[str]]:
    """Label sets of `rows` rows, the first labels often, the last hardly ever or never."""
    random = np.random.default_rng(seed)
    chance = 1 / np.arange(1, count + 1)
    names = [f"topic {place}" for place in range(count)]
    return [
        [names[place] for place in random.choice(count, size, False, chance / chance.sum())]
        for size in random.choice(3 if unlabelled else [1, 2], rows)
    ]


def rows_of(labels: list[list[str]], seed: int = 0) -> list[dict]:
    """A row per label set, with the columns body, topics, id, conversation and at."""
    random = np.random.default_rng(seed)
    return [
        {
            "body": f"the {' '.join(random.choice(WORDS, 3))} is number {row}",
            "topics": found,
            "id": f"row{row}",
            "conversation": f"c{row // 3}",
            "at": f"2026-01-{1 + row * 28 // len(labels):02d}",
        }
        for row, found in enumerate(labels)
    ]


def write_workspace(root: Path, encoder: EncoderParams, rows: list[dict], **described) -> None:
    """Params, description and file of corpus `tickets`, whose rows stand in JSON Lines."""
    folder = root / paths.CORPORA / "tickets"
    folder.mkdir(parents=True)
    (folder / "tickets.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    description = {"files": "tickets.jsonl", "text": "body", "labels": {"column": "topics"}}
    YAML(typ="safe").dump(description | described, root / paths.CORPORA / "tickets.yaml")
    params = read_params(Path())
    params |= {"profile": "sample", "threads": 1}
    params["evaluate"]["thresholds"] = {"grid_step": 0.1, "folds": 3, "shrinkage": 100}
    params["baselines"]["thresholds"] = params["evaluate"]["thresholds"]
    sample = params["profiles"]["sample"]
    sample["fetch"] = {"corpus": "tickets"}
    sample["encoder"] = encoder.model_dump()
    sample["undersample"] = "none"
    sample["ismote"] |= {"target": 8, "exclude_labels": []}
    sample["adapt"]["training"]["epochs"] = sample["finetune"]["training"]["epochs"] = 1
    write_params(root, params)


def run_stages(root: Path, *stages) -> None:
    """`stages`, by default all, without pictures."""
    with chdir(root), patch.object(ismote, "draw"), patch.object(evaluate, "draw"):
        write_run(checked_settings(Document.read()))
        for stage in stages or STAGES:
            stage.main()
