"""A workspace with every file that the leak audit reads, made by the library on a tiny encoder."""

from contextlib import chdir
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emotion_slm.balance.grow import grow
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.rows import write_balanced
from emotion_slm.balance.undersample import undersample
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import Finetuned, write_finetuned
from emotion_slm.classifier.params import LinearHead
from emotion_slm.common import files, paths
from emotion_slm.common.params import Document, write_run
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus import tsv
from emotion_slm.corpus.labels import to_matrix
from emotion_slm.corpus.split import split_official
from emotion_slm.encoder.adapted import (
    ENCODER,
    build_encoder,
    load_encoder,
    read_adapted,
    write_adapted,
)
from emotion_slm.encoder.embed import distinct_texts, embed
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.encoder.text_classifier import Tokenizer
from emotion_slm.encoder.vectors import read_vectors, write_vectors
from emotion_slm.evaluation import predictions, results
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.package.build import build_package
from emotion_slm.package.package import Origin
from support.tiny import read_params, write_params

MEANINGS = {"happy": "joy", "angry": "anger", "sad": "sadness", "scared": "fear", "": "neutral"}
SIZES = {"train": 200, "dev": 150, "test": 150}
WIDTH = 32


def write_audited_workspace(root: Path, encoder: EncoderParams) -> None:
    """Raw corpus to packaged model under the official protocol; ids such as train7, dev3, test0.

    dev0 repeats the text of test0 and train0 that of dev1, in another case: both are dropped.
    """
    params = read_params(Path())
    params |= {"profile": "sample", "threads": 1}
    params["split"]["protocol"] = "official"
    params["evaluate"]["thresholds"] = {"grid_step": 0.05, "folds": 3, "shrinkage": 100}
    params["profiles"]["sample"]["encoder"] = encoder.model_dump()
    params["profiles"]["sample"]["ismote"]["target"] = 50
    root.mkdir(parents=True, exist_ok=True)
    write_params(root, params)
    write_run(Document.read(root / paths.PARAMS).settings, root / paths.RUN)
    _write_raw(root / paths.RAW)
    with chdir(root):
        document = Document.of_run()
        frames = split_official(tsv.read_corpus(paths.RAW)).frames
        for name, frame in frames.items():
            files.write_parquet(paths.SPLIT / f"{name}.parquet", frame)
        _write_vectors(encoder, frames)
        thinned = undersample(frames["train"], 20, seed=0)
        files.write_parquet(paths.UNDERSAMPLED / "train.parquet", thinned)
        vectors = read_vectors(paths.EMBEDDED, thinned["id"])
        ismote = document.section("ismote", IsmoteParams)
        write_balanced(paths.BALANCED, *grow(vectors, thinned, ismote, seed=0)[:2])
        _write_classifier(vectors, to_matrix(thinned["labels"]))
        evaluate_again()


def evaluate_again() -> None:
    """Predictions, metrics and package of the classifier at hand, as stage evaluate writes them."""
    document = Document.of_run()
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    rows = [predictions.read_held_out(split) for split in predictions.HELD_OUT]
    scored = predictions.predict(rows)
    for split, part, (logits, *_) in zip(predictions.HELD_OUT, rows, scored, strict=True):
        predictions.write(predictions.path_of(split), part.ids, logits)
    reference = predictions.predict_by_adapted_head(rows)
    seed = child_seed(document.seed, "evaluate")
    found = results.gather(*scored, reference, thresholds, seed)
    leakage = {"rules": 1, "near_duplicates_in_train": 0}
    build_package(Origin("sample", "sample", "official"), document, found.evaluation, leakage)
    results.write(found)


def _write_raw(folder: Path) -> None:
    codes = ("".join(letters) for letters in product("abcdefghij", repeat=3))
    random = np.random.default_rng(0)
    frames = {}
    for split, size in SIZES.items():
        words = random.choice(list(MEANINGS), size)
        frame = pd.DataFrame(
            {
                "id": [f"{split}{row}" for row in range(size)],
                "text": [f"The {next(codes)}, {word} {next(codes)}!" for word in words],
                "labels": [[MEANINGS[word]] for word in words],
            }
        )
        frame.loc[5, "labels"].append("surprise")
        frames[split] = frame
    frames["dev"].loc[0, "text"] = frames["test"].loc[0, "text"].upper()
    frames["train"].loc[0, "text"] = frames["dev"].loc[1, "text"].upper()
    contents = {f"{split}.tsv": tsv.render(frame) for split, frame in frames.items()}
    tsv.write_together(folder, contents)


def _write_vectors(encoder: EncoderParams, frames: dict) -> None:
    torch.manual_seed(4)
    model = build_encoder(encoder, None, 0.0).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.05 * torch.randn_like(weight))
    seen = files.sha256_lines(frames["train"]["id"].tolist())
    write_adapted(paths.ADAPTED, model, None, seen)
    corpus = tsv.read_corpus(paths.RAW)
    texts, rows = distinct_texts(corpus["text"])
    tokenizer = Tokenizer(Path(encoder.id), encoder.max_length)
    # What is packaged is rounded to half precision, and so is what embeds.
    packaged = load_encoder(encoder, read_adapted(paths.ADAPTED), paths.ADAPTED / ENCODER)
    vectors = embed(texts, packaged, tokenizer, 16, lambda _: None)
    write_vectors(paths.EMBEDDED, vectors, corpus["id"], rows, encoder)


def _write_classifier(vectors: np.ndarray, gold: np.ndarray) -> None:
    """A ridge regression: good enough to rank, and made without training."""
    inputs = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
    penalty = np.eye(WIDTH + 1)
    weights = np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ (8.0 * gold - 4))
    model = build_classifier(LinearHead(name="linear"), WIDTH)
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.from_numpy(weights[:-1].T))
        model.layers[0].bias.copy_(torch.from_numpy(weights[-1]))
    write_finetuned(paths.FINETUNED, model, Finetuned(LinearHead(name="linear"), WIDTH))
