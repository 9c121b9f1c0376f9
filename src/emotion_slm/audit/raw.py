"""Leak audit of data/split against data/raw: the evaluated rows are the corpus's, as they are."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emotion_slm.audit.result import result
from emotion_slm.audit.split import FURTHER, read_rows, text_key
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import AGAIN
from emotion_slm.common.paths import RAW, RAW_SPLITS, SPLIT, SPLITS
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.corpus.labels import CORPUS, LabelSet, load_corpus


def audit_raw(root: Path, protocol: str) -> dict:
    """Check every row of data/split against data/raw, and that no raw row is missing.

    Under `official` each row stays in its own split, and rows of train and dev may be missing
    whose normalised text, or group, occurs in a later split; under `pooled` none may, and the rows
    of a corpus with times must lie in their order.
    """
    from emotion_slm.corpus.tsv import read_corpus

    corpus = load_corpus(root / RAW)
    labels, raw = corpus.labels, read_corpus(root / RAW, corpus)
    rows = read_rows(root)
    further = [column for column in FURTHER if column in corpus.columns]
    if lacking := [column for column in further if column not in rows]:
        raise EmotionSlmError(
            f"{root / SPLIT}: column {lacking[0]!r} is missing, which {CORPUS} names; {AGAIN}"
        )
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
        for column in ("text", "labels", "official_split", *further)
    }
    missing = ~raw["id"].isin(rows["id"])
    explained = missing & False
    if protocol == "official":
        own = of_raw["official_split"].map(dict(zip(RAW_SPLITS, SPLITS, strict=True)))
        altered["rows_outside_their_official_split"] = here["split"].to_numpy() != own.to_numpy()
        explained = missing & _repeated_later(raw)
    elif "time" in further:
        altered["rows_out_of_time_order"] = _out_of_time_order(here)
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
    """(n,) whether a row's normalised text, or its group, also occurs in a later official split."""
    number = raw["official_split"].map(dict(zip(RAW_SPLITS, range(3), strict=True)))
    later = number < number.groupby(raw["text"].map(text_key)).transform("max")
    if "group" in raw:
        named = raw["group"] != ""
        later |= named & (number < number.groupby(raw["group"]).transform("max"))
    return later


def _out_of_time_order(rows) -> np.ndarray:
    """(n,) whether a row is older than one of an earlier split.

    Rows with equal texts, or of one group, are as old as the youngest of them.
    """
    age = rows["time"].groupby(_linked(rows)).transform("max")
    side = rows["split"].map(SPLITS.index)
    return np.logical_or.reduce(
        [
            (side == place) & (age < max(age[side < place], default=""))
            for place in range(1, len(SPLITS))
        ]
    )


def _linked(rows) -> np.ndarray:
    """(n,) one number for the rows that must stay together: equal texts, and one group.

    Found by walking from row to row, unlike the splitter's components of a graph.
    """
    keys = [[("text", text_key(text))] for text in rows["text"]]
    if "group" in rows:
        for known, group in zip(keys, rows["group"], strict=True):
            known += [("group", group)] if group else []
    holders: dict[tuple[str, str], list[int]] = {}
    for row, known in enumerate(keys):
        for key in known:
            holders.setdefault(key, []).append(row)
    numbers = np.full(len(keys), -1, dtype=np.int64)
    for start in range(len(keys)):
        waiting = [start] if numbers[start] < 0 else []
        while waiting:
            row = waiting.pop()
            numbers[row] = start
            # Each key is followed once.
            waiting += [other for key in keys[row] for other in holders.pop(key, ())]
    return numbers
