"""Near-duplicates across splits, by characters and by meaning: reported, never failed.

Texts: Jaccard similarity of their sets of character 4-grams, found by MinHash and banded
locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman 2020, chapter 3), every
candidate checked exactly. Vectors: cosine similarity, exactly.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.audit.result import EXAMPLES, result
from emotion_slm.audit.split import read_rows
from emotion_slm.common.paths import EMBEDDED, RAW
from emotion_slm.corpus.labels import LabelSet, load_corpus
from emotion_slm.encoder.vectors import read_vectors

NGRAM = 4
JACCARD, COSINE = 0.7, 0.97
# 32 bands of 4 rows meet a pair of Jaccard 0.7 in some band with probability .9998.
BANDS, BAND_ROWS = 32, 4
HASH_SEED = 1
BLOCK = 512  # queries compared at once with all vectors
COMPARED = (("test", "train"), ("validation", "train"), ("test", "validation"))


class Nearest(NamedTuple):
    """Of each of n queries: (n,) position of the most similar row, -1 for none, and similarity."""

    row: np.ndarray
    similarity: np.ndarray


def audit_near_duplicates(root: Path = Path()) -> dict:
    """Count the rows of a split with a near-duplicate in one that comes before it, by label."""
    rows, labels = read_rows(root), load_corpus(root / RAW).labels
    frames = {name: frame.reset_index(drop=True) for name, frame in rows.groupby("split")}
    vectors = {
        name: unit(read_vectors(root / EMBEDDED, frame["id"])) for name, frame in frames.items()
    }
    signatures = {name: signed(frame["text"]) for name, frame in frames.items()}
    texts, by_vector = {}, {}
    for name, other in COMPARED:
        if name not in frames or other not in frames:
            continue
        pair = f"{name}_in_{other}"
        of_texts = nearest_texts(signatures[name], signatures[other])
        of_vectors = nearest_vectors(vectors[name], vectors[other])
        texts[pair] = _summary(frames[name], frames[other], of_texts, JACCARD, labels)
        by_vector[pair] = _summary(frames[name], frames[other], of_vectors, COSINE, labels)
    return result({}, {"near_duplicates": {"texts": texts, "vectors": by_vector}})


def character_ngrams(text: str) -> set[bytes]:
    """Character 4-grams of the normalised text, UTF-8; a shorter text is one gram of its own."""
    from emotion_slm.corpus.split import normalize

    kept = normalize(text)
    return {kept[i : i + NGRAM].encode() for i in range(max(1, len(kept) - NGRAM + 1))}


class Signed(NamedTuple):
    """Texts and their MinHash signatures."""

    texts: list[str]
    signatures: list


def signed(texts: Sequence[str]) -> Signed:
    from datasketch import MinHash

    grams: Iterator[list[bytes]] = (sorted(character_ngrams(text)) for text in texts)
    hashed = MinHash.generator(
        grams, num_perm=BANDS * BAND_ROWS, seed=HASH_SEED, hashfunc=zlib.crc32
    )
    return Signed(list(texts), list(hashed))


def nearest_texts(queries: Signed, others: Signed) -> Nearest:
    """The most similar of `others` for each query; of equally similar ones the first.

    A pair that shares no band is taken for unlike (similarity 0).
    """
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=BANDS * BAND_ROWS, params=(BANDS, BAND_ROWS))
    for position, signature in enumerate(queries.signatures):
        index.insert(position, signature, check_duplication=False)
    nearest = Nearest(np.full(len(queries.texts), -1), np.zeros(len(queries.texts)))
    for position, signature in enumerate(others.signatures):
        candidates = index.query(signature)
        if not candidates:
            continue
        grams = character_ngrams(others.texts[position])
        for query in candidates:
            own = character_ngrams(queries.texts[query])
            similarity = len(own & grams) / len(own | grams)
            if similarity > nearest.similarity[query]:
                nearest.row[query], nearest.similarity[query] = position, similarity
    return nearest


def unit(vectors: np.ndarray) -> np.ndarray:
    """(n, d) float32 rows scaled to unit length; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)


def nearest_vectors(queries: np.ndarray, others: np.ndarray) -> Nearest:
    """The row of `others` (m, d) with the highest cosine for each of `queries` (n, d).

    Both are of unit length.
    """
    nearest = Nearest(np.full(len(queries), -1), np.zeros(len(queries)))
    for start in range(0, len(queries), BLOCK):
        cosine = queries[start : start + BLOCK] @ others.T  # (BLOCK, m)
        row = cosine.argmax(axis=1)
        nearest.row[start : start + BLOCK] = row
        nearest.similarity[start : start + BLOCK] = cosine[np.arange(len(row)), row]
    return nearest


def _summary(frame, others, nearest: Nearest, least: float, labels: LabelSet) -> dict:
    """Rows of `frame` whose nearest in `others` is at least that similar."""
    close = np.flatnonzero(nearest.similarity >= least)
    ids, other_ids = frame["id"].to_numpy(), others["id"].to_numpy()
    # Rounded, so that float noise does not order equals.
    ranked = sorted(close, key=lambda row: (-round(float(nearest.similarity[row]), 3), ids[row]))
    counts = Counter(label for names in frame["labels"].iloc[close] for label in names)
    return {
        "rows": len(close),
        "per_label": {label: counts[label] for label in labels.names if counts[label]},
        "examples": [[ids[row], other_ids[nearest.row[row]]] for row in ranked[:EXAMPLES]],
    }
