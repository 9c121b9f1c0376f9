"""ISMOTE against its peers: `python -m benchmarks.ismote` prints the tables of README.md.

Every call runs in a fresh process, the contenders by turns, so that a busy moment of the machine
hits them alike; figures are medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.goemotions import LABELS, NEUTRAL, to_matrix
from emotion_slm.balance.ismote import MultiLabelISMOTE
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.encoder.vectors import read_vectors

ROOT = Path(__file__).parents[1]
CLASS_ROWS, N_NEW, COLUMNS = 6_000, 50_000, 384
GROWTH = {1_000: 5, 3_000: 5, 10_000: 5, 30_000: 3, 100_000: 1}  # rows per class: runs
console = Console(width=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="calls per contender")
    parser.add_argument("--smote-variants", metavar="PYTHON", help="a Python that has it")
    parser.add_argument("--growth", action="store_true", help="also 1,000 to 100,000 rows a class")
    options = parser.parse_args()
    peers(options.runs, options.smote_variants)
    if options.growth:
        growth()
    if (paths.EMBEDDED / "vectors.npy").exists():
        goemotions(options.runs)


def peers(runs: int, smote_variants: str | None) -> None:
    """Whole call and generation alone, 50,000 rows from 6,000."""
    tasks = {name: (name, "whole", sys.executable) for name in ("ismote", "imblearn-smote", "loop")}
    if smote_variants:
        tasks["smote-variants"] = ("smote-variants", "whole", smote_variants)
    for name in ("ismote", "imblearn-smote"):
        tasks[f"{name}, generation alone"] = (name, "generation", sys.executable)
    results = {title: [] for title in tasks}
    for _ in range(runs):
        for title, (contender, part, python) in tasks.items():
            results[title].append(measure(python, contender, part, CLASS_ROWS, N_NEW))
    output_bytes = (2 * CLASS_ROWS + 10 + N_NEW) * COLUMNS * 4
    table = Table(title=f"{N_NEW:,} rows of {COLUMNS} float32 from {CLASS_ROWS:,}, {runs} runs")
    for column in ("contender", "median s", "min–max s", "times ISMOTE", "extra memory / output"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for title, measured in results.items():
        seconds = [run["seconds"] for run in measured]
        reference = "ismote, generation alone" if "generation" in title else "ismote"
        ratio = statistics.median(seconds) / statistics.median(
            run["seconds"] for run in results[reference]
        )
        extra = statistics.median(run["extra_bytes"] for run in measured) / output_bytes
        table.add_row(title, *timing(seconds), f"{ratio:.2f}", f"{extra:.2f}")
    console.print(table)


def growth() -> None:
    """Time of doubling a class of growing size."""
    contenders = ("ismote", "ismote-approximate", "imblearn-smote")
    table = Table(title=f"as many new rows of {COLUMNS} float32 as the class has, median s (runs)")
    table.add_column("rows per class", justify="right")
    for contender in contenders:
        table.add_column(contender, justify="right")
    for class_rows, runs in GROWTH.items():
        seconds = {contender: [] for contender in contenders}
        for _ in range(runs):
            for contender in contenders:
                run = measure(sys.executable, contender, "whole", class_rows, class_rows)
                seconds[contender].append(run["seconds"])
        medians = [f"{statistics.median(seconds[name]):.2f} ({runs})" for name in contenders]
        table.add_row(f"{class_rows:,}", *medians)
    console.print(table)


def goemotions(runs: int) -> None:
    """The pipeline's own call: all of train, every label but neutral to 4,000 rows."""
    train = read_parquet(paths.SPLIT / "train.parquet", ("id", "labels"))
    vectors = np.array(read_vectors(paths.EMBEDDED, train["id"]))
    y = pd.DataFrame(to_matrix(train["labels"]), columns=list(LABELS))
    seconds = []
    for _ in range(runs):
        sampler = MultiLabelISMOTE(
            sampling_strategy=4_000, exclude_labels=[NEUTRAL], random_state=0
        )
        start = time.perf_counter()
        made = len(sampler.fit_resample(vectors, y)[0]) - len(y)
        seconds.append(time.perf_counter() - start)
    median, spread = timing(seconds)
    console.print(
        f"train of data/ ({len(y):,} rows, {vectors.shape[1]} columns) to 4,000 rows per label: "
        f"{made:,} synthetic rows in {median} s ({spread}, {runs} runs)"
    )


def measure(python: str, contender: str, part: str, class_rows: int, n_new: int) -> dict:
    """One call in a fresh process; RuntimeError with its last words if it fails."""
    task = {
        "contender": contender,
        "part": part,
        "class_rows": class_rows,
        "columns": COLUMNS,
        "n_new": n_new,
    }
    run = subprocess.run(
        [python, "-m", "benchmarks.measure", json.dumps(task)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{contender}: {run.stderr.strip().splitlines()[-1]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def timing(seconds: list[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.3f}", f"{min(seconds):.3f}–{max(seconds):.3f}"


if __name__ == "__main__":
    main()
