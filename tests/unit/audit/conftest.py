"""Made-up material for the tests of this folder."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.audited import write_audited_workspace

from emotion_slm.common import files

WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron"]


def split_frame(split: str, first_group: int, labels: list[list[str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"{split}{row}" for row in range(len(labels))],
            "text": [f"The {split}, {WORDS[row]}!" for row in range(len(labels))],
            "labels": labels,
            "official_split": "train",
            "duplicate_group": np.arange(first_group, first_group + len(labels)),
        }
    )


def write_workspace(root: Path) -> None:
    """Clean rows: 8 of train of which 6 survive thinning, 4 synthetic, 3 + 3 held out."""
    train = split_frame(
        "train", 0, [["joy"], ["joy", "love"], ["joy"], ["fear"], ["fear"], *[["neutral"]] * 3]
    )
    validation = split_frame("validation", 8, [["joy"], ["fear"], ["neutral"]])
    test = split_frame("test", 11, [["joy"], ["fear"], ["neutral"]])
    thinned = train.iloc[:6].reset_index(drop=True)
    for name, frame in (("train", train), ("validation", validation), ("test", test)):
        files.write_parquet(root / f"data/split/{name}.parquet", frame)
    files.write_parquet(root / "data/undersampled/train.parquet", thinned)

    ids = [*train["id"], *validation["id"], *test["id"]]
    embedded = np.random.default_rng(5).normal(size=(len(ids), 4)).astype(np.float32)
    index = pd.DataFrame({"id": ids[::-1], "row": np.arange(len(ids))[::-1]})
    files.write_array(root / "data/embedded/vectors.npy", embedded)
    files.write_parquet(root / "data/embedded/index.parquet", index)

    synthetic = pd.DataFrame(
        {
            "id": [f"synthetic-{row}" for row in range(4)],
            "labels": [["joy"], ["joy", "love"], ["fear"], ["fear"]],
            "synthetic": True,
            "target_label": ["joy", "joy", "fear", "fear"],
            "seed_id": ["train0", "train1", "train3", "train4"],
            "neighbour_id": ["train1", "train2", "train4", None],
            "t": [0.25, -0.4, 1.3, 0.0],
            "normalized": [False, False, True, False],
        }
    )
    originals = thinned[["id", "labels"]].assign(
        synthetic=False, target_label=None, seed_id=None, neighbour_id=None, t=np.nan,
        normalized=False,
    )  # fmt: skip
    rows = pd.concat([originals, synthetic], ignore_index=True)
    x = embedded.astype(np.float64)
    beyond = x[3] + 1.3 * (x[4] - x[3])
    made = [
        x[0] + 0.25 * (x[1] - x[0]),
        x[1] - 0.4 * (x[2] - x[1]),
        beyond / np.sqrt((beyond**2).sum()),
        x[4],
    ]
    vectors = np.concatenate([embedded[:6], np.array(made).astype(np.float32)])
    files.write_parquet(root / "data/balanced/rows.parquet", rows)
    files.write_array(root / "data/balanced/vectors.npy", vectors)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_workspace(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def audited_once(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """A clean workspace under the protocol `official`, not to be spoilt."""
    root = tmp_path_factory.mktemp("audited") / "workspace"
    write_audited_workspace(root, encoder_params(tiny_bert), "official")
    return root


@pytest.fixture(scope="session")
def pooled_once(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """A clean workspace under the protocol `pooled`, not to be spoilt."""
    root = tmp_path_factory.mktemp("pooled") / "workspace"
    write_audited_workspace(root, encoder_params(tiny_bert), "pooled")
    return root


@pytest.fixture
def audited(tmp_path, audited_once) -> Path:
    """A clean workspace with every file the audit reads, for the test to spoil."""
    return shutil.copytree(audited_once, tmp_path / "audited")
