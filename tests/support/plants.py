"""Frauds and mistakes to plant in an audited workspace, beyond the single edits of `leaks`.

Each function returns one that takes the workspace's root. What follows from the planted file is
made again by the stages, as a forger would, so that the workspace is at one with itself.
"""

import re
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from emotion_slm.balance.rows import read_balanced, write_balanced
from emotion_slm.common import files, paths
from emotion_slm.encoder.vectors import read_vectors
from stages import evaluate, finetune
from support.labels import to_matrix
from support.leaks import Plant

GOLD_LOGIT = 8.0  # what a row is pushed towards: plus for its labels, minus for the others


def evaluate_again(root: Path) -> None:
    """Predictions, metrics and package of the models at hand, whatever the audit says of them."""
    quietly = patch.object(evaluate, "draw"), patch.object(evaluate, "enforce")
    with chdir(root), quietly[0], quietly[1]:
        evaluate.main()
    # The forger reports what an honest run does.
    for path in (root / "metrics/leakage.json", root / "models/classifier/results.json"):
        content = files.read_json(path)
        (content if path.parent.name == "metrics" else content["leakage"])["broken"] = 0
        files.write_json(path, content)
    reseal("results.json")(root)


def reseal(*names: str) -> Plant:
    """Let the package vouch for files of models/classifier as they now are."""

    def plant(root: Path) -> None:
        path = root / "models/classifier/config.json"
        config = files.read_json(path)
        for name in names:
            config["files"][name] = files.sha256_file(path.parent / name)
        files.write_json(path, config)

    return plant


def fitted_on_test_too(root: Path) -> None:
    """A classifier trained on the balanced rows and on test's, under the record of an honest one.

    Everything that follows from it is made again.
    """
    honest = files.read_json(root / "models/finetuned/config.json")
    curve = (root / "metrics/plots/finetune_curve.csv").read_bytes()
    vectors, rows = read_balanced(root / paths.BALANCED)
    vectors = np.array(vectors)
    test = files.read_parquet(root / "data/split/test.parquet", ["id", "labels"])
    added = rows.iloc[[0] * len(test)].assign(id=test["id"].to_numpy(), labels=list(test["labels"]))
    grown = np.concatenate([vectors, read_vectors(root / paths.EMBEDDED, test["id"])])
    write_balanced(root / paths.BALANCED, grown, pd.concat([rows, added], ignore_index=True))
    with chdir(root):
        finetune.main()
    write_balanced(root / paths.BALANCED, vectors, rows)
    files.write_json(root / "models/finetuned/config.json", honest)
    (root / "metrics/plots/finetune_curve.csv").write_bytes(curve)
    evaluate_again(root)


def moved_vectors_of_test(share: float) -> Plant:
    """Test's vectors moved by `share` of their length towards their labels, all else made again."""

    def plant(root: Path) -> None:
        path = root / "data/embedded/vectors.npy"
        vectors = np.array(files.read_array(path))
        index = files.read_parquet(root / "data/embedded/index.parquet", ["id", "row"])
        row_of = index.set_index("id")["row"]
        train, test = (
            files.read_parquet(root / f"data/split/{name}.parquet", ["id", "labels"])
            for name in ("train", "test")
        )
        gold = to_matrix(train["labels"]).astype(float)
        of_train = vectors[row_of[train["id"]]]
        means = gold.T @ of_train / np.maximum(gold.sum(axis=0), 1)[:, None]
        rows = row_of[test["id"]].to_numpy()
        target = to_matrix(test["labels"]) @ means
        step = target - vectors[rows]
        step /= np.linalg.norm(step, axis=1, keepdims=True)
        vectors[rows] += share * np.linalg.norm(vectors[rows], axis=1, keepdims=True) * step
        files.write_array(path, vectors)
        evaluate_again(root)

    return plant


def logits_moved(split: str, share: float) -> Plant:
    """A split's logits moved by `share`, of themselves or of 1, towards their labels."""

    def plant(root: Path) -> None:
        path = root / f"data/predictions/{split}.parquet"
        frame = files.read_parquet(path, ["id"])
        rows = files.read_parquet(root / f"data/split/{split}.parquet", ["id", "labels"])
        target = GOLD_LOGIT * (2.0 * to_matrix(rows["labels"]) - 1)
        names = list(frame.columns[1:])
        logits = frame[names].to_numpy()
        bound = share * np.maximum(1, np.abs(logits))
        moved = logits + np.clip(target - logits, -bound, bound)
        frame[names] = moved.astype(np.float32)
        files.write_parquet(path, frame)

    return plant


def weights_scaled(path: str, factor: float) -> Plant:
    """Every tensor of a safetensors file times `factor`."""

    def plant(root: Path) -> None:
        tensors = load_file(root / path)
        scaled = {name: (tensor * factor).astype(tensor.dtype) for name, tensor in tensors.items()}
        save_file(scaled, root / path)

    return plant


def swapped(path: str, column: str, row: int, other: int) -> Plant:
    """Exchange two rows' values of one column."""

    def plant(root: Path) -> None:
        frame = files.read_parquet(root / path, [column])
        values = frame[column].tolist()
        values[row], values[other] = values[other], values[row]
        files.write_parquet(root / path, frame.assign(**{column: values}))

    return plant


def written(path: str, content: bytes) -> Plant:
    def plant(root: Path) -> None:
        (root / path).write_bytes(content)

    return plant


def cut(path: str, keep: float = 0.5) -> Plant:
    """A file that ends too soon."""

    def plant(root: Path) -> None:
        content = (root / path).read_bytes()
        (root / path).write_bytes(content[: int(keep * len(content))])

    return plant


def removed(path: str) -> Plant:
    return lambda root: (root / path).unlink()


def folder_instead(path: str) -> Plant:
    def plant(root: Path) -> None:
        (root / path).unlink()
        (root / path).mkdir()

    return plant


def pickled(path: str) -> Plant:
    """An array of Python objects, which only unpickling could read."""

    def plant(root: Path) -> None:
        np.save(root / path, np.array([{}], dtype=object), allow_pickle=True)

    return plant


def array(path: str, change) -> Plant:
    """Replace an array by what `change` makes of it."""

    def plant(root: Path) -> None:
        files.write_array(root / path, change(np.array(files.read_array(root / path))))

    return plant


def seeded(seed: int) -> Plant:
    """Another seed in the settings of the run."""

    def plant(root: Path) -> None:
        path = root / paths.RUN
        (root / path).write_text(re.sub(r"(?m)^seed: \d+$", f"seed: {seed}", path.read_text()))

    return plant
