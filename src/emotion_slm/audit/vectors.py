"""Leak audit of data/embedded: each vector is what the adapted encoder makes of its row's text."""

from pathlib import Path

import numpy as np

from emotion_slm.audit.result import result
from emotion_slm.audit.split import read_rows
from emotion_slm.audit.towards_gold import pushed_towards
from emotion_slm.backbone.pretrained import locate
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import ADAPTED, EMBEDDED, RAW
from emotion_slm.corpus.labels import LabelSet, load_corpus
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.encoder.adapted import ENCODER, load_encoder, read_adapted
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import CONFIG, INDEX, VECTORS

# Rows embedded anew, by split: in passing, and by the command.
QUICK_SAMPLE = {"train": 16, "validation": 16, "test": 32}
FULL_SAMPLE = {"train": 128, "validation": 128, "test": 512}
BATCH = 32
# Of a vector's length. Batches of another shape and other thread counts move a float32 vector by a
# millionth of it, one computed in bfloat16, as 4-bit models are, by up to a hundredth; another
# encoder's vector is about as far as it is long.
TOLERANCE, TOLERANCE_BFLOAT16 = 1e-4, 0.02
CHUNK = 4096


def audit_vectors(root: Path, encoder: EncoderParams, sample: dict[str, int]) -> dict:
    """Check that every row has a finite vector of its own text, and embed some rows anew.

    `encoder` is what params.yaml says; `data/embedded` must have been made by it, over the weights
    in `models/adapted`, of the texts of `data/raw`. `sample`: how many rows of each split.
    """
    rows = read_rows(root)
    vectors = files.read_array(root / EMBEDDED / VECTORS)
    index = files.read_parquet(root / EMBEDDED / INDEX, ("id", "row"))
    usable = index[index["row"].between(0, len(vectors) - 1)]
    row_of = usable.drop_duplicates("id").set_index("id")["row"]
    rows["row"] = rows["id"].map(row_of)
    located = rows[rows["row"].notna()].astype({"row": np.int64})
    texts_of_row = located.groupby("row")["text"].transform("nunique")
    sampled = _sample(root, located, sample)
    anew = _embed(root, encoder, sampled["text"].tolist(), vectors.shape[1])
    stored = vectors[sampled["row"].to_numpy()]
    distance = np.linalg.norm(stored - anew, axis=1)
    bound = tolerance(encoder) * np.linalg.norm(anew, axis=1)
    offenders = {
        "embedded_by_another_encoder": _other_settings(root, encoder),
        "embedded_ids_repeated": index["id"][index["id"].duplicated()].tolist(),
        "embedded_rows_not_of_the_corpus": _other_rows(root, index, len(vectors)),
        "rows_without_vector": rows["id"][rows["row"].isna()].tolist(),
        "rows_sharing_a_vector_with_another_text": located["id"][texts_of_row > 1].tolist(),
        "rows_with_vector_not_finite": located["id"][
            ~_finite(vectors)[located["row"].to_numpy()]
        ].tolist(),
        # NaN is not the same.
        "sampled_vectors_not_of_their_text": sampled["id"][~(distance <= bound)].tolist(),
        "sampled_vectors_moved_towards_their_labels": _moved(
            located, load_corpus(root / RAW).labels, vectors, sampled, anew
        ),
    }
    findings = {"rows_embedded_anew": len(sampled)}
    return result({rule: list(map(str, ids)) for rule, ids in offenders.items()}, findings)


def tolerance(encoder: EncoderParams) -> float:
    """How far, in lengths, an honest vector may lie from the one computed now."""
    return TOLERANCE_BFLOAT16 if encoder.four_bit else TOLERANCE


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


def _other_rows(root: Path, index, vectors: int) -> list[str]:
    """Ids whose row is not that of their text in data/raw, and `rows` where there are more, or
    fewer, vectors than distinct texts."""
    corpus = read_corpus(root / RAW, load_corpus(root / RAW))
    texts, expected = distinct_texts(corpus["text"])
    expected_of = dict(zip(corpus["id"], expected.tolist(), strict=True))
    found_of = dict(zip(index["id"], index["row"], strict=True))
    differing = [
        id_
        for id_ in sorted(expected_of.keys() | found_of.keys())
        if expected_of.get(id_) != found_of.get(id_)
    ]
    return differing + (["rows"] if vectors != len(texts) else [])


def _finite(vectors: np.ndarray) -> np.ndarray:
    """(n,) whether all numbers of a row are finite."""
    parts = np.split(vectors, range(CHUNK, len(vectors), CHUNK))
    return np.concatenate([np.isfinite(part).all(axis=1) for part in parts])


def sample_seed(root: Path) -> int:
    """What draws the rows to embed anew: the vectors' own bytes.

    The same files give the same sample, and who alters a vector draws another one.
    """
    return int(files.sha256_file(root / EMBEDDED / VECTORS)[:8], 16)


def _sample(root: Path, rows, sizes: dict[str, int]):
    """`sizes` rows of each split, or all of a smaller one."""
    import pandas as pd

    seed = sample_seed(root)
    frames = []
    for split, size in sizes.items():
        of_split = rows[rows["split"] == split].sort_values("id")
        frames.append(of_split.sample(n=min(size, len(of_split)), random_state=seed))
    return pd.concat(frames)


def _embed(root: Path, encoder: EncoderParams, texts: list[str], width: int) -> np.ndarray:
    """(n, width) vectors as the encoder makes them now."""
    model = load_encoder(encoder, read_adapted(root / ADAPTED), root / ADAPTED / ENCODER)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    anew = embed(texts, model, tokenizer, BATCH, lambda _: None)
    if anew.shape[1] != width:
        raise EmotionSlmError(
            f"{root / EMBEDDED / VECTORS}: vectors of {width} numbers, where the encoder of "
            f"params.yaml makes {anew.shape[1]}; run `dvc repro`"
        )
    return anew


def _moved(rows, labels: LabelSet, vectors: np.ndarray, sampled, anew: np.ndarray) -> list[str]:
    """The rule's offence, if the sampled vectors lie nearer to their labels than those made anew.

    Nearer along the direction of each label: from train's mean vector to that of its rows.
    """
    train = rows[rows["split"] == "train"]
    of_train = vectors[train["row"].to_numpy()].astype(np.float64)
    usable = np.isfinite(of_train).all(axis=1)
    of_train, gold = of_train[usable], labels.to_matrix(train["labels"])[usable].astype(np.float64)
    means = gold.T @ of_train / np.maximum(gold.sum(axis=0), 1)[:, None]  # (labels, d)
    directions = means - of_train.mean(axis=0)
    held_out = (sampled["split"] != "train").to_numpy()
    stored = vectors[sampled["row"].to_numpy()][held_out]
    finite = np.isfinite(stored).all(axis=1)
    moved = pushed_towards(
        labels.to_matrix(sampled["labels"][held_out])[finite],
        stored[finite] @ directions.T,
        anew[held_out][finite] @ directions.T,
    )
    return ["all sampled rows"] if moved else []
