"""Corpora of one's own for tests: the tutorial's tickets, written in every layout."""

import json
import runpy
from pathlib import Path

from support.labels import ROOT

_MADE = runpy.run_path(str(ROOT / "docs/use/tickets.py"))
LABELS = sorted(_MADE["PHRASES"])
rows = _MADE["rows"]
write_csv = _MADE["write_csv"]


def write_one_hot(path: Path, tickets: list[dict]) -> None:
    """CSV between semicolons, with a column of 0 and 1 for each label."""
    lines = [";".join(["ticket_id", "body", *LABELS])]
    for ticket in tickets:
        flags = (str(int(label in ticket["emotions"])) for label in LABELS)
        lines.append(";".join([ticket["ticket_id"], f'"{ticket["body"]}"', *flags]))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def write_lists(path: Path, tickets: list[dict]) -> None:
    """JSON Lines with lists."""
    path.write_text("".join(f"{json.dumps(ticket)}\n" for ticket in tickets), encoding="utf-8")


def write_json_in_cells(path: Path, tickets: list[dict]) -> None:
    """TSV, the labels of a ticket as a list in JSON."""
    lines = ["ticket_id\tbody\temotions"]
    for ticket in tickets:
        labels = json.dumps(ticket["emotions"]).replace('"', '""')
        lines.append(f'{ticket["ticket_id"]}\t{ticket["body"]}\t"{labels}"')
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def write_parquet(path: Path, tickets: list[dict]) -> None:
    import pandas as pd

    pd.DataFrame(tickets).to_parquet(path, index=False)


WRITERS = {
    "delimited.csv": write_csv,
    "one_hot.csv": write_one_hot,
    "lists.jsonl": write_lists,
    "json.tsv": write_json_in_cells,
    "lists.parquet": write_parquet,
}
