"""Leak audit of what the seed decides: split, thinned and balanced rows, made again from data/raw.

So are the metrics that rest on these alone. Vectors are read, not made: vectors.py answers for
them.
"""

from pathlib import Path

import numpy as np

from emotion_slm.audit.result import TOLERANCE, differences, result, table_differences
from emotion_slm.balance.grow import as_ismote, grow, keep
from emotion_slm.balance.params import IsmoteParams, UndersampleParams
from emotion_slm.balance.purity import COLUMNS as PURITY
from emotion_slm.balance.purity import mean_purity, neighbour_purity, probes
from emotion_slm.balance.rows import read_balanced
from emotion_slm.balance.undersample import undersample
from emotion_slm.common import files
from emotion_slm.common.params import Document
from emotion_slm.common.paths import (
    BALANCED,
    EMBEDDED,
    METRICS,
    PLOTS,
    RAW,
    SPLIT,
    SPLITS,
    UNDERSAMPLED,
)
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.params import SplitParams
from emotion_slm.corpus.split import COLUMNS, split, summary
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation.baselines import baselines
from emotion_slm.evaluation.params import BaselinesParams

# Of shares and scores that a row ranked otherwise, on another processor, may move.
BY_A_ROW = 2e-3
NEAREST = 1e-5  # relative: neighbours so equally near are the same to another processor


def audit_remade(root: Path, document: Document) -> dict:
    """Make split, thinned rows, balanced rows and their metrics again, and compare.

    Each from the files before it as they are, so that one alteration breaks one rule.
    """
    pin_threads(document.threads)
    frames = {
        name: files.read_parquet(root / SPLIT / f"{name}.parquet", COLUMNS) for name in SPLITS
    }
    thinned = files.read_parquet(root / UNDERSAMPLED / "train.parquet", COLUMNS)
    splits = _split(root, document)
    found, counted = _balance(root, document, thinned, frames["validation"])
    return result(
        {
            "split_not_of_its_seed": [
                id_ for name in SPLITS for id_ in _differing(frames[name], splits.frames[name])
            ],
            "undersampled_not_of_its_seed": _differing(
                thinned, _thin(root, document, frames["train"])
            ),
            "balanced_not_of_its_seed": found,
            "split_metrics_not_of_the_rows": _metrics(root, "split", summary(splits)),
            "balance_metrics_not_of_the_rows": counted,
            "baselines_not_of_the_rows": _metrics(
                root, "baselines", _baselines(root, document, frames), BY_A_ROW
            ),
        },
        {},
    )


def _split(root: Path, document: Document):
    params, corpus = document.section("split", SplitParams), load_corpus(root / RAW)
    rows = read_corpus(root / RAW, corpus)
    return split(rows, corpus, params, child_seed(document.seed, "split"))


def _thin(root: Path, document: Document, train):
    if document.is_none("undersample"):
        return train
    thin = load_corpus(root / RAW).labels.thin
    params = document.section("undersample", UndersampleParams)
    return undersample(train, thin, params.keep, child_seed(document.seed, "undersample"))


def _differing(written, remade) -> list[str]:
    """Ids of the rows that differ in any column of `remade`, of missing rows and of extra ones.

    The order of rows counts: sums and batches follow it.
    """
    if written["id"].tolist() != remade["id"].tolist():
        odd = sorted(set(written["id"]) ^ set(remade["id"]))
        return odd or written["id"][written["id"].duplicated()].tolist() or ["order of rows"]
    other = np.zeros(len(written), dtype=bool)
    for column in remade:
        pairs = zip(written[column], remade[column], strict=True)
        other |= np.fromiter((not _same(a, b) for a, b in pairs), dtype=bool, count=len(written))
    return written["id"][other].tolist()


def _same(written: object, remade: object) -> bool:
    if isinstance(written, (list, np.ndarray)):
        return list(written) == list(remade)
    # What is missing is None, NaN or pandas' own.
    return written == remade or (written != written and remade != remade) or written is remade


def _balance(root: Path, document: Document, thinned, validation) -> tuple[list[str], list[str]]:
    """Ids of balanced rows that differ, and places of the metrics of balancing that do."""
    seed = child_seed(document.seed, "ismote")
    vectors, labels = read_vectors(root / EMBEDDED, thinned["id"]), load_corpus(root / RAW).labels
    if document.is_none("ismote"):
        params, grown = None, keep(vectors, thinned, labels)
    else:
        params = document.section("ismote", IsmoteParams)
        grown = grow(vectors, thinned, labels, params, seed)
    written = read_balanced(root / BALANCED)[1]
    remade = _with_equal_neighbours(grown[1], written, vectors, thinned)

    compared = probes(
        *as_ismote(grown, vectors, thinned, labels, params, seed),
        labels,
        child_seed(seed, "probes"),
    )
    unseen = read_vectors(root / EMBEDDED, validation["id"])
    purity = neighbour_purity(compared, labels, unseen, labels.to_matrix(validation["labels"]))
    mean = mean_purity(purity, "ismote")
    counted = grown[2] | ({} if mean is None else {"purity": round(mean, DECIMALS)})
    return _differing(written, remade), [
        *_metrics(root, "balance", counted, BY_A_ROW),
        *table_differences(root / PLOTS / "purity.csv", PURITY, purity, BY_A_ROW),
    ]


def _with_equal_neighbours(remade, written, vectors: np.ndarray, thinned):
    """`remade` rows, with the neighbour of `written` where that one is as near to the seed."""
    if written["id"].tolist() != remade["id"].tolist():
        return remade
    place = dict(zip(thinned["id"], range(len(thinned)), strict=True))
    chosen = remade["neighbour_id"].to_list()
    for row, (seed, made, given) in enumerate(
        zip(remade["seed_id"], chosen, written["neighbour_id"], strict=True)
    ):
        if made == given or not {seed, made, given} <= place.keys():
            continue
        x, near, other = (vectors[place[id_]].astype(np.float64) for id_ in (seed, made, given))
        if np.isclose(np.linalg.norm(x - near), np.linalg.norm(x - other), rtol=NEAREST):
            chosen[row] = given
    return remade.assign(neighbour_id=chosen)


def _baselines(root: Path, document: Document, frames: dict) -> dict[str, float]:
    params = document.section("baselines", BaselinesParams)
    ordered = (frames[name] for name in SPLITS)
    labels = load_corpus(root / RAW).labels
    return baselines(*ordered, labels, params, child_seed(document.seed, "baselines"))


def _metrics(root: Path, name: str, remade: dict, tolerance: float = TOLERANCE) -> list[str]:
    return differences(files.read_json(root / METRICS / f"{name}.json"), remade, tolerance)
