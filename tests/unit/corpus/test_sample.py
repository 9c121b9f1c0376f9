"""The sample corpus has GoEmotions' format and proportions, and is the same everywhere."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.labels import CORPUS, LABELS, NEUTRAL

from emotion_slm.common.params import load_yaml
from emotion_slm.common.paths import RAW_FILES
from emotion_slm.corpus import tsv
from emotion_slm.corpus.fetch import SAMPLE_SEED
from emotion_slm.corpus.sample import FEWEST, ROWS, write_sample
from emotion_slm.corpus.split import normalize, split_official, summary

MATERIAL = Path("corpora/sample/phrases.yaml")
SHA256 = "0cfaf14747b2d2fef1e9da2e33523d8e6b6bbc73fa83eb7205d0a90160c29ca3"


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in RAW_FILES)).hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(MATERIAL, CORPUS, folder, SAMPLE_SEED)
    return folder


@pytest.fixture(scope="module")
def rows(folder) -> pd.DataFrame:
    return tsv.read_corpus(folder, CORPUS)


def test_the_bytes_are_pinned(folder):
    assert digest(folder) == SHA256


def test_the_hash_seed_does_not_matter(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; from emotion_slm.corpus.fetch import fetch;"
        "fetch('sample', Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        check=True,
    )
    assert digest(tmp_path) == digest(folder)


def test_another_seed_gives_another_corpus(folder, tmp_path):
    write_sample(MATERIAL, CORPUS, tmp_path, SAMPLE_SEED + 1)
    assert digest(tmp_path) != digest(folder)


def test_rows_per_file(rows):
    assert rows["official_split"].value_counts().to_dict() == {
        "train": 0.8 * ROWS,
        "dev": 0.1 * ROWS,
        "test": 0.1 * ROWS,
    }


def test_every_label_is_in_every_file(rows):
    labels = rows.explode("labels")
    for _, part in labels.groupby("official_split"):
        assert set(part["labels"]) == set(LABELS)
    counts = labels["labels"].value_counts()
    assert counts.min() >= FEWEST
    assert {"grief", "pride", "relief", "nervousness"} <= set(counts.index[-6:])


def test_imbalance_and_cardinality_are_those_of_goemotions(rows):
    sizes = rows["labels"].map(len)
    assert (sizes > 1).mean() == pytest.approx(0.16, abs=0.01)
    counts = rows["labels"].explode().value_counts(normalize=False)
    assert counts.index[0] == NEUTRAL
    assert counts[NEUTRAL] / ROWS == pytest.approx(0.3, abs=0.04)
    assert counts["admiration"] / ROWS == pytest.approx(5122 / 54263, abs=0.005)
    assert counts["fear"] / ROWS == pytest.approx(764 / 54263, abs=0.003)


def test_labels_are_in_label_order(rows):
    for labels in rows["labels"]:
        assert labels == sorted(labels, key=LABELS.index)


def test_the_format_is_exercised(folder, rows):
    quoted = sum(line.startswith(b'"') for name in RAW_FILES for line in (folder / name).open("rb"))
    assert quoted >= ROWS / 40
    assert (rows["text"] != rows["text"].str.strip()).sum() >= ROWS / 40
    assert rows["text"].map(lambda text: not text.isascii()).sum() >= ROWS / 40
    for name in RAW_FILES:
        assert tsv.render(tsv.parse(folder / name, CORPUS), CORPUS) == (folder / name).read_bytes()


def test_duplicates_are_exercised(rows):
    normalized = rows["text"].map(normalize)
    assert rows["text"].duplicated().sum() >= 5
    assert normalized.duplicated().sum() > rows["text"].duplicated().sum()
    official = split_official(rows)
    assert official.dropped["train"] >= 1
    assert official.dropped["validation"] >= 1
    assert summary(official)["near_duplicates"] >= 1


def test_most_texts_are_distinct(rows):
    assert rows["text"].map(normalize).nunique() > 0.95 * ROWS


def test_labels_show_in_the_words_but_not_perfectly(rows):
    thanks = rows["text"].str.contains("thank|appreciat|grateful|owe you", case=False)
    gratitude = rows["labels"].map(lambda labels: "gratitude" in labels)
    assert 0.85 < gratitude[thanks].mean() < 1
    assert 0.85 < thanks[gratitude].mean() < 1


def test_every_label_has_enough_material_and_it_is_filled_in(rows):
    material = load_yaml(MATERIAL)["phrases"]
    assert set(material) == set(LABELS)
    for phrases in material.values():
        assert len(set(phrases)) >= 12
    assert not rows["text"].str.contains("{", regex=False).any()
