"""Many files scored by pools against a bare loop: `python -m benchmarks.bulk` prints the tables.

The bare loop reads a row group, scores it and writes it, in one process, and promises nothing. All
arms write Parquet with every probability; each runs as a process of its own, from start to end.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.turns import by_turns, ratios, spread
from emotion_slm.common import paths
from emotion_slm.common.threads import VARIABLES

BARE = "a bare loop"
ROW_GROUP = 5_000  # rows
console = Console(width=120)


class Run(NamedTuple):
    """Seconds of a whole run, those of CPU of the process and of what it started, and the most
    memory of one of these, in MiB. Ray's workers are not among these."""

    seconds: float
    cpu: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000, help="of a run")
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3, help="turns of every arm")
    parser.add_argument("--model", type=Path, help="an export; default: int8 of models/classifier")
    parser.add_argument("--bare", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare_loop(options.model, *options.bare)
        return
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or exported(Path(folder))
        files = Path(folder) / "in"
        name = write_files(files, options.rows, options.files)
        results = measure(model, files, Path(folder) / "out", options.runs)
    title = f"{options.rows:,} comments of {name}, {options.files} files, {options.runs} runs"
    console.print(table(results, options.rows, title))


def exported(folder: Path) -> Path:
    from emotion_slm.package.package import read_package
    from emotion_slm.publish.onnx_export import export_onnx

    return export_onnx(read_package(paths.CLASSIFIER), folder / "int8", "int8").folder


def write_files(folder: Path, rows: int, files: int) -> str:
    """`rows` comments, over again where there are fewer, in `files` files; what they are."""
    from benchmarks.comments import comments

    name, frame = comments("test")
    texts = np.resize(frame["text"].to_numpy(dtype=object), rows)
    folder.mkdir()
    for number, part in enumerate(np.array_split(texts, files)):
        rows_of_part = pa.table({"id": range(len(part)), "text": pa.array(part, pa.string())})
        pq.write_table(rows_of_part, folder / f"{number:03}.parquet", row_group_size=ROW_GROUP)
    return name


def bare_loop(model: Path, source: Path, output: Path) -> None:
    """Row group by row group, one thread, nothing to go on from."""
    from emotion_slm.scoring.classifier import EmotionClassifier

    classifier = EmotionClassifier.from_pretrained(model)
    output.mkdir()
    for path in sorted(source.iterdir()):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            probabilities = classifier.probabilities(rows["text"].to_pylist())
            found = classifier.above_threshold(probabilities)
            scored = rows.append_column("labels", pa.array([list(labels) for labels in found]))
            for place, label in enumerate(classifier.labels.names):
                column = pa.array(probabilities[:, place], pa.float32())
                scored = scored.append_column(label, column)
            pq.write_table(scored, output / f"{path.stem}-{group}.parquet")


def measure(model: Path, source: Path, output: Path, runs: int) -> dict[str, list[Run]]:
    """Every arm by turns."""
    bare = [sys.executable, "-m", "benchmarks.bulk", "--model", model, "--bare", source, output]
    predict = [sys.executable, "-m", "emotion_slm.cli.app", "predict", source, "-o", output]
    arms = {BARE: bare}
    engines = ["local", "ray"] if importlib.util.find_spec("ray") else ["local"]
    for engine in engines:
        for workers in ("1", "2"):
            options = ["--model", model, "--engine", engine, "--workers", workers]
            name = f"{engine}, {workers} worker{'s' if workers != '1' else ''}"
            arms[name] = [*predict, *options]
    return by_turns({name: partial(run, command, output) for name, command in arms.items()}, runs)


def run(command: list, output: Path, turn: int) -> Run:
    shutil.rmtree(output, ignore_errors=True)
    one_thread = dict.fromkeys((*VARIABLES, "RAYON_NUM_THREADS"), "1")
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], env={**os.environ, **one_thread}, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: ended with status {os.waitstatus_to_exitcode(status)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024)


def table(results: dict[str, list[Run]], rows: int, title: str) -> Table:
    """Speed of every arm, its times as multiples of the bare loop's, its most memory."""
    made = Table(title=title)
    columns = ("arm", "rows/s", "min–max", "time, × bare", "min–max", "CPU, × bare", "MiB")
    for column in columns:
        made.add_column(column, justify="left" if column == "arm" else "right")
    seconds = {name: [one.seconds for one in runs] for name, runs in results.items()}
    cpu = {name: [one.cpu for one in runs] for name, runs in results.items()}
    for name, runs in results.items():
        of_ray = name.startswith("ray")
        made.add_row(
            name,
            *spread([rows / value for value in seconds[name]], 0),
            *spread(ratios(seconds[name], seconds[BARE]), 2),
            "" if of_ray else spread(ratios(cpu[name], cpu[BARE]), 2)[0],
            "" if of_ray else f"{max(one.memory for one in runs):,.0f}",
        )
    return made


if __name__ == "__main__":
    main()
