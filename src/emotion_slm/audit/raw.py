"""Leak audit of data/split against data/raw: the evaluated rows are the corpus's, as they are."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emotion_slm.audit.result import result
from emotion_slm.audit.split import read_rows, text_key
from emotion_slm.common.paths import RAW, RAW_SPLITS, SPLITS
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.corpus.labels import LabelSet, load_corpus


def audit_raw(root: Path, protocol: str) -> dict:
    """Check every row of data/split against data/raw, and that no raw row is missing.

    Under `official` each row stays in its own split, and rows of train and dev may be missing
    whose normalised text occurs in a later split; under `pooled` none may.
    """
    from emotion_slm.corpus.tsv import read_corpus

    corpus = load_corpus(root / RAW)
    labels, raw = corpus.labels, read_corpus(root / RAW, corpus)
    rows = read_rows(root)
    # (n,) position in raw of each row's id, -1 for an unknown one.
    place = dict(zip(raw["id"], range(len(raw)), strict=True))
    position = rows["id"].map(lambda id_: place.get(id_, -1)).to_numpy(dtype=np.int64)
    here, of_raw = rows[position >= 0], raw.iloc[position[position >= 0]]
    altered = {
        f"{column}_altered": (
            here[column].map(sorted).to_numpy() != of_raw[column].map(sorted).to_numpy()
            if column == "labels"
            else here[column].to_numpy() != of_raw[column].to_numpy()
        )
        for column in ("text", "labels", "official_split")
    }
    missing = ~raw["id"].isin(rows["id"])
    explained = missing & False
    if protocol == "official":
        own = of_raw["official_split"].map(dict(zip(RAW_SPLITS, SPLITS, strict=True)))
        altered["rows_outside_their_official_split"] = here["split"].to_numpy() != own.to_numpy()
        explained = missing & _repeated_later(raw)
    offenders = {
        "rows_not_in_raw": rows["id"][position < 0],
        **{rule: here["id"][mask] for rule, mask in altered.items()},
        "raw_rows_missing": raw["id"][missing & ~explained],
    }
    dropped = raw["official_split"][explained].value_counts()
    # Altered labels are counted above, and may be none of the label set.
    known = here[~altered["labels_altered"]]
    natural, evaluated = raw["labels"], known["labels"][known["split"] == "test"]
    return result(
        {rule: list(map(str, ids)) for rule, ids in offenders.items()},
        {
            "raw_rows_dropped_as_duplicates": {
                name: int(dropped.get(name, 0)) for name in RAW_SPLITS
            },
            "label_shift_of_test": label_shift(natural, evaluated, labels),
        },
    )


def label_shift(
    natural: Iterable[Iterable[str]], evaluated: Iterable[Iterable[str]], labels: LabelSet
) -> dict:
    """How far the labels of `evaluated` rows lie from those of `natural` ones.

    The largest difference between the shares of rows that carry a label, and its label; the
    Jensen–Shannon divergence in bits between the distributions of labels (0 alike, 1 disjoint).
    Empty when a side has no rows.
    """
    from scipy.spatial.distance import jensenshannon

    matrices = [labels.to_matrix(rows) for rows in (natural, evaluated)]
    if not all(len(matrix) for matrix in matrices):
        return {}
    shares = [matrix.mean(axis=0) for matrix in matrices]
    differences = np.abs(shares[1] - shares[0])
    label = int(differences.argmax())
    return {
        "largest_share_difference": round(float(differences[label]), DECIMALS),
        "label": labels.names[label],
        "natural_share": round(float(shares[0][label]), DECIMALS),
        "evaluated_share": round(float(shares[1][label]), DECIMALS),
        "jensen_shannon": round(float(jensenshannon(*shares, base=2) ** 2), DECIMALS),
    }


def _repeated_later(raw):
    """(n,) whether a row's normalised text also occurs in a later official split."""
    number = raw["official_split"].map(dict(zip(RAW_SPLITS, range(3), strict=True)))
    last = number.groupby(raw["text"].map(text_key)).transform("max")
    return number < last
