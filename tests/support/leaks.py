"""Leaks to plant in a workspace: each function returns one that takes the workspace's root."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_slm.common import files

Plant = Callable[[Path], None]


def edit(path: str, row: int, /, **values) -> Plant:
    """Set columns of one row of a Parquet file."""

    def plant(root: Path) -> None:
        frame = files.read_parquet(root / path, ["id"]).astype(object)
        for column, value in values.items():
            frame.at[row, column] = value
        files.write_parquet(root / path, frame.infer_objects())

    return plant


def append(path: str, source: str, row: int, /, **values) -> Plant:
    """Add a row of another file, some of its columns changed."""

    def plant(root: Path) -> None:
        frame = files.read_parquet(root / path, ["id"]).astype(object)
        added = files.read_parquet(root / source, ["id"]).iloc[[row]].assign(**values)
        grown = pd.concat([frame, added.astype(object)], ignore_index=True)
        files.write_parquet(root / path, grown.infer_objects())

    return plant


def drop(path: str, row: int) -> Plant:
    def plant(root: Path) -> None:
        frame = files.read_parquet(root / path, ["id"])
        files.write_parquet(root / path, frame.drop(index=row))

    return plant


def rewrite(path: str, change: Callable) -> Plant:
    """Replace a Parquet frame by what `change` makes of it."""

    def plant(root: Path) -> None:
        files.write_parquet(root / path, change(files.read_parquet(root / path, [])))

    return plant


def move(path: str, row: int, amount: float, column: int = 2) -> Plant:
    """Shift one number of one vector."""

    def plant(root: Path) -> None:
        array = np.array(files.read_array(root / path))
        array[row, column] += amount
        files.write_array(root / path, array)

    return plant


def reset(path: str, *keys: str, value: object) -> Plant:
    """Set one value of a JSON file."""

    def plant(root: Path) -> None:
        content = files.read_json(root / path)
        section = content
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = value
        files.write_json(root / path, content)

    return plant


def write_in(path: str, old: str, new: str) -> Plant:
    """Replace a piece of text that must be there."""

    def plant(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), encoding="utf-8")

    return plant


def rehash(name: str) -> Plant:
    """Let the package vouch for a file of models/classifier as it now is."""

    def plant(root: Path) -> None:
        digest = files.sha256_file(root / "models/classifier" / name)
        reset("models/classifier/config.json", "files", name, value=digest)(root)

    return plant


def both(*plants: Plant) -> Plant:
    def plant(root: Path) -> None:
        for single in plants:
            single(root)

    return plant
