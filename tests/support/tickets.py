"""Corpora of one's own for tests: the tutorial's tickets, written in every layout."""

import csv
import json
import runpy
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from emotion_slm.backbone.params import BackboneParams
from support.labels import ROOT
from support.tiny import read_params, write_params

_MADE = runpy.run_path(str(ROOT / "docs/use/tickets.py"))
LABELS = sorted(_MADE["PHRASES"])
rows = _MADE["rows"]


def of_labels(count: int, labels: int, seed: int = 0) -> list[dict]:
    """`count` tickets with `labels` labels by turns, every third with the next one too."""
    names = [f"label {place:03d}" for place in range(labels)]

    def named(place: int) -> list[str]:
        return [names[(place + step) % labels] for step in range(1 + (place % 3 == 0))]

    return [{**ticket, "emotions": named(place)} for place, ticket in enumerate(rows(count, seed))]


def write_csv(path: Path, tickets: list[dict]) -> None:
    _write_cells(path, ",", tickets, lambda labels: {"emotions": ", ".join(labels)})


def write_one_hot(path: Path, tickets: list[dict]) -> None:
    """CSV between semicolons, with a column of 0 and 1 for each label."""

    def flags(labels: list[str]) -> dict[str, int]:
        return {label: int(label in labels) for label in LABELS}

    _write_cells(path, ";", tickets, flags)


def write_json_in_cells(path: Path, tickets: list[dict]) -> None:
    """TSV, the labels of a ticket as a list in JSON."""
    _write_cells(path, "\t", tickets, lambda labels: {"emotions": json.dumps(labels)})


def write_lists(path: Path, tickets: Iterable[dict]) -> None:
    """JSON Lines with lists."""
    path.write_text("".join(f"{json.dumps(ticket)}\n" for ticket in tickets), encoding="utf-8")


def write_parquet(path: Path, tickets: list[dict]) -> None:
    import pandas as pd

    pd.DataFrame(tickets).to_parquet(path, index=False)


WRITERS: dict[str, Callable[[Path, list[dict]], None]] = {
    "delimited.csv": write_csv,
    "one_hot.csv": write_one_hot,
    "lists.jsonl": write_lists,
    "json.tsv": write_json_in_cells,
    "lists.parquet": write_parquet,
}


def create_workspace(folder: Path) -> None:
    """A folder with the project's parameters and pipeline, without code and without DVC."""
    (folder / "corpora").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder)


def make_tiny(folder: Path, profile: str, encoder: BackboneParams) -> None:
    """Choose `profile`, with `encoder` in place of its own, for one epoch in one thread."""
    params = read_params(folder)
    params.update(profile=profile, threads=1)
    sections = params["profiles"][profile]
    sections["encoder"].update(encoder.model_dump(), max_length=32)
    for stage in ("adapt", "finetune"):
        sections[stage]["training"]["epochs"] = 1
    write_params(folder, params)


def _write_cells(
    path: Path,
    separator: str,
    tickets: list[dict],
    cells: Callable[[list[str]], Mapping[str, object]],
) -> None:
    made = [{**ticket, **cells(ticket["emotions"])} for ticket in tickets]
    columns = [name for name in made[0] if name != "emotions" or "emotions" in cells([])]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, delimiter=separator, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(made)
