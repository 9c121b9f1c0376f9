"""Peak memory of scoring a CSV file, by its rows: `python -m benchmarks.predict_memory 100000 …`.

A stub takes the model's place, so what is measured is the reading, writing and keeping of state.
Every size runs in a fresh process. Prints rows, seconds and MiB at most.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.goemotions import GOEMOTIONS, LABELS
from benchmarks.measure import memory
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score

MIB = 2**20


class Stub:
    """The same probabilities for every text."""

    labels = GOEMOTIONS
    thresholds = np.full(len(LABELS), 0.9)

    def probabilities(self, texts) -> np.ndarray:
        return np.tile(np.linspace(0, 1, len(LABELS)), (len(texts), 1))

    def truncated(self, texts) -> int:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="+", help="rows of each file")
    parser.add_argument("--one", action="store_true", help="in this process, without a heading")
    options = parser.parse_args()
    if options.one:
        measure(*options.rows)
        return
    print("rows seconds MiB", flush=True)
    for rows in options.rows:
        command = [sys.executable, "-m", "benchmarks.predict_memory", "--one", str(rows)]
        subprocess.run(command, check=True)


def measure(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tickets.csv"
        with source.open("w") as stream:
            stream.write("id,text\n")
            for row in range(rows):
                stream.write(f"{row},the printer on floor {row % 97} is broken again\n")
        started = time.perf_counter()
        score(source, None, Stub(), Options(labels="sentiment"))
        seconds = time.perf_counter() - started
    print(rows, f"{seconds:.1f}", f"{memory('VmHWM') / MIB:.1f}", flush=True)


if __name__ == "__main__":
    main()
