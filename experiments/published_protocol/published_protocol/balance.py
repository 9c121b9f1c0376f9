"""Stage balance: both arms' splits, thinned rows and balanced rows, per seed → workspaces/.

A workspace has the pipeline's files under the pipeline's names, for its audit to read.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from goemotions import CORPUS, LABELS, to_matrix

from emotion_slm.balance.rows import write_balanced
from emotion_slm.common import paths
from emotion_slm.common.files import write_parquet
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.split import COLUMNS, duplicate_groups
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.vectors import CONFIG, INDEX, VECTORS, read_vectors
from published_protocol import parameters
from published_protocol.arms import (
    Division,
    divide,
    rows_of_split,
    rows_to_grow,
    thinned_train,
)
from published_protocol.embed import EMBEDDED, RAW
from published_protocol.layout import ARMS, workspace
from published_protocol.notebook import grow


def write_arm(
    root: Path,
    arm: str,
    corpus: pd.DataFrame,
    vectors: np.ndarray,
    division: Division,
    protocol: parameters.Protocol,
    seed: int,
) -> None:
    """Write the splits of `arm`, what ISMOTE was given of train, and train with every synthetic
    row.

    `corpus`: a frame of COLUMNS; `vectors`: (n, d) float32, one per row of it.
    """
    for name in paths.SPLITS:
        rows = rows_of_split(arm, division, name)
        write_parquet(root / paths.SPLIT / f"{name}.parquet", corpus.iloc[rows])
    train = thinned_train(division)
    write_parquet(root / paths.UNDERSAMPLED / "train.parquet", corpus[train])
    seen = rows_to_grow(arm, division)
    gold = to_matrix(corpus["labels"])[seen]
    grown, provenance = grow(vectors[seen], gold, protocol.target, protocol.k_neighbors, seed)
    trained_on = np.concatenate([train[seen], np.ones(len(provenance), dtype=bool)])
    source = corpus.iloc[seen]
    rows = pd.concat([_originals(source[train[seen]]), _synthetic(source, provenance)])
    write_balanced(root / paths.BALANCED, grown[trained_on], rows)


def _originals(frame: pd.DataFrame) -> pd.DataFrame:
    empty = {"target_label": None, "seed_id": None, "neighbour_id": None, "t": np.nan}
    return frame[["id", "labels"]].assign(synthetic=False, normalized=False, **empty)


def _synthetic(source: pd.DataFrame, provenance: np.ndarray) -> pd.DataFrame:
    seeds = source.iloc[provenance["seed"]]
    return pd.DataFrame(
        {
            "id": [f"synthetic-{number + 1:06d}" for number in range(len(provenance))],
            "labels": seeds["labels"].to_numpy(),
            "synthetic": True,
            "target_label": np.array(LABELS, dtype=object)[provenance["target"]],
            "seed_id": seeds["id"].to_numpy(),
            "neighbour_id": source["id"].to_numpy()[provenance["neighbour"]],
            "t": provenance["t"],
            "normalized": False,
        }
    )


def _share_vectors(root: Path) -> None:
    """The same files of embedded/ in the workspace: links, they are large."""
    folder = root / paths.EMBEDDED
    folder.mkdir(parents=True, exist_ok=True)
    for name in (VECTORS, INDEX, CONFIG):
        (folder / name).unlink(missing_ok=True)
        (folder / name).hardlink_to(EMBEDDED / name)


def main() -> None:
    content = parameters.read()
    pin_threads(content["threads"])
    protocol = parameters.protocol()
    corpus = read_corpus(RAW, CORPUS)
    corpus = corpus.assign(duplicate_group=duplicate_groups(corpus["text"]))[COLUMNS]
    vectors = read_vectors(EMBEDDED, corpus["id"])
    gold = to_matrix(corpus["labels"])
    for seed in content["seeds"]:
        division = divide(gold, protocol.ratios, protocol.neutral_one_in, seed)
        for arm in ARMS:
            root = workspace(arm, seed)
            ismote_seed = child_seed(seed, "ismote")
            write_arm(root, arm, corpus, vectors, division, protocol, ismote_seed)
            _share_vectors(root)


if __name__ == "__main__":
    main()
