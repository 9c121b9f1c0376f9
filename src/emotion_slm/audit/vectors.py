"""Leak audit of data/embedded: each vector is what the adapted encoder makes of its row's text."""

from pathlib import Path

import numpy as np

from emotion_slm.audit.result import result
from emotion_slm.audit.split import read_rows
from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import files
from emotion_slm.common.paths import ADAPTED, EMBEDDED
from emotion_slm.common.seeds import child_seed
from emotion_slm.encoder.adapted import ENCODER, load_encoder, read_adapted
from emotion_slm.encoder.embed import embed
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import CONFIG, INDEX, VECTORS

SAMPLE = {"train": 16, "validation": 16, "test": 32}  # rows embedded anew
SAMPLE_SEED = 0  # a constant: the same files give the same audit whatever params.yaml says
BATCH = 32
# Of a vector's length. Batches of another shape move a float32 vector by a millionth of it, one
# computed in bfloat16 by up to a hundredth; another encoder's vector is about as far as it is long.
TOLERANCE = 0.02
CHUNK = 4096


def audit_vectors(root: Path, encoder: EncoderParams) -> dict:
    """Check that every row has a finite vector of its own text, and embed some rows anew.

    `encoder` is what params.yaml says; `data/embedded` must have been made by it, over the weights
    in `models/adapted`.
    """
    rows = read_rows(root)
    vectors = files.read_array(root / EMBEDDED / VECTORS)
    index = files.read_parquet(root / EMBEDDED / INDEX, ("id", "row"))
    usable = index[index["row"].between(0, len(vectors) - 1)]
    row_of = usable.drop_duplicates("id").set_index("id")["row"]
    rows["row"] = rows["id"].map(row_of)
    located = rows[rows["row"].notna()].astype({"row": np.int64})
    texts_of_row = located.groupby("row")["text"].transform("nunique")
    sampled = _sample(located)
    offenders = {
        "embedded_by_another_encoder": _other_settings(root, encoder),
        "embedded_ids_repeated": index["id"][index["id"].duplicated()].tolist(),
        "rows_without_vector": rows["id"][rows["row"].isna()].tolist(),
        "rows_sharing_a_vector_with_another_text": located["id"][texts_of_row > 1].tolist(),
        "rows_with_vector_not_finite": located["id"][
            ~_finite(vectors)[located["row"].to_numpy()]
        ].tolist(),
        "sampled_vectors_not_of_their_text": _foreign(root, encoder, sampled, vectors),
    }
    findings = {"rows_embedded_anew": len(sampled)}
    return result({rule: list(map(str, ids)) for rule, ids in offenders.items()}, findings)


def _other_settings(root: Path, encoder: EncoderParams) -> list[str]:
    """The keys in which data/embedded/config.json differs from `encoder`."""
    written = files.read_json(root / EMBEDDED / CONFIG)
    wanted = encoder.model_dump()
    absent = object()
    return sorted(
        key
        for key in written.keys() | wanted.keys()
        if written.get(key, absent) != wanted.get(key, absent)
    )


def _finite(vectors: np.ndarray) -> np.ndarray:
    """(n,) whether all numbers of a row are finite."""
    parts = np.split(vectors, range(CHUNK, len(vectors), CHUNK))
    return np.concatenate([np.isfinite(part).all(axis=1) for part in parts])


def _sample(rows):
    """SAMPLE rows of each split, or all of a smaller one."""
    import pandas as pd

    seed = child_seed(SAMPLE_SEED, "vectors embedded anew")
    frames = []
    for split, size in SAMPLE.items():
        of_split = rows[rows["split"] == split].sort_values("id")
        frames.append(of_split.sample(n=min(size, len(of_split)), random_state=seed))
    return pd.concat(frames)


def _foreign(root: Path, encoder: EncoderParams, rows, vectors: np.ndarray) -> list[str]:
    """Ids of `rows` whose vector is not what the encoder makes of their text now."""
    model = load_encoder(encoder, read_adapted(root / ADAPTED), root / ADAPTED / ENCODER)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    anew = embed(rows["text"].tolist(), model, tokenizer, BATCH, lambda _: None)
    if anew.shape[1] != vectors.shape[1]:
        return rows["id"].tolist()
    distance = np.linalg.norm(vectors[rows["row"].to_numpy()] - anew, axis=1)
    same = distance <= TOLERANCE * np.linalg.norm(anew, axis=1)  # NaN is not the same
    return rows["id"][~same].tolist()
