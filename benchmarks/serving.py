"""The service against others: `python -m benchmarks.serving` prints the tables of README.md.

One export of the packaged model, one thread for the engine, client and server in processes of their
own, over loopback. Then overload: requests at a multiple of what was answered before.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.comments import comments
from emotion_slm.common import paths
from emotion_slm.package.package import read_package
from emotion_slm.publish.onnx_export import export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.serve.server import bind

OWN, PIPELINE, LITSERVE = "emotion-slm serve", "FastAPI + transformers.pipeline", "LitServe"
CELLS = [(clients, texts) for texts in (1, 32) for clients in (1, 8, 64)]
MOST = 20_000  # requests of a cell
# Batches pad texts otherwise than the file's, and answers have four decimals.
TOLERANCE = 1e-3
console = Console(width=120)


class Arm(NamedTuple):
    """A server's command, which takes a port at its end, and what its requests hold besides."""

    command: list[str]
    env: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="of a cell")
    parser.add_argument("--overload", type=float, default=60, help="seconds of overload")
    parser.add_argument("--times", type=float, default=4, help="overload, in capacities")
    parser.add_argument("--file-texts", type=int, default=3000, help="comments of the file")
    parser.add_argument("--threads", type=int, default=1, help="of every engine")
    parser.add_argument("--precision", choices=("float32", "int8"), default="float32")
    parser.add_argument("--litserve", type=Path, help="folder with LitServe; without it left out")
    parser.add_argument("--model", type=Path, default=paths.CLASSIFIER)
    options = parser.parse_args()
    name, frame = comments("test")
    texts = frame["text"].tolist()
    with tempfile.TemporaryDirectory() as scratch:
        export = export_onnx(
            read_package(options.model), Path(scratch) / "onnx", options.precision
        ).folder
        console.print(f"{name}, {options.precision}, engines of {options.threads} thread(s)")
        on_file = file_speed(export, texts[: options.file_texts], options.threads, Path(scratch))
        console.print(f"the same engine on a file: {on_file:,.0f} texts/s")
        servers = arms(options, export)
        found = {arm: cells(servers[arm], texts, options.seconds) for arm in servers}
        console.print(table(found, on_file))
        capacity = found[OWN][64, 1]["texts_per_second"]
        overload(servers[OWN], export, texts, capacity * options.times, options)


def arms(options: argparse.Namespace, export: Path) -> dict[str, Arm]:
    python = [sys.executable, "-m"]
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    serve = [*python, "emotion_slm.cli.app", "serve", "--threads", threads["OMP_NUM_THREADS"]]
    peers = [*python, "benchmarks.serving_peers"]
    found = {
        OWN: Arm([*serve, "--model", str(export), "--port"], threads),
        PIPELINE: Arm([*peers, "pipeline", str(options.model)], threads),
    }
    if options.litserve:
        path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(options.litserve)])
        found[LITSERVE] = Arm([*peers, "litserve", str(export)], threads | {"PYTHONPATH": path})
    return found


def file_speed(export: Path, texts: list[str], threads: int, scratch: Path) -> float:
    """Texts a second of `emotion-slm predict` on a CSV, without its start."""
    file = scratch / "texts.csv"
    pd.DataFrame({"text": texts}).to_csv(file, index=False)
    command = [sys.executable, "-m", "benchmarks.serving_peers", "file", str(export), str(file)]
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return float(subprocess.run(command, env=env, check=True, capture_output=True).stdout)


@contextmanager
def running(arm: Arm, *more: str) -> Iterator[int]:
    """The port of a server that answers, stopped at the end."""
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    env = os.environ | arm.env
    # In a group of its own: LitServe leaves workers behind, which would go on polling.
    process = subprocess.Popen(
        [*arm.command, str(port), *more],
        env=env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(process, port)
        yield port
    finally:
        process.terminate()
        process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(process: subprocess.Popen, port: int) -> None:
    """Until the server scores texts; CalledProcessError if it ends before."""
    while True:
        try:
            asked = {"texts": ["to warm up"] * 64}
            httpx.post(
                f"http://127.0.0.1:{port}/predict", json=asked, timeout=60
            ).raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.2)
        if process.poll() is not None:
            raise subprocess.CalledProcessError(process.returncode, process.args)


def load(port: int, requests: list[list[str]], **task) -> dict:
    """What `benchmarks.load` found."""
    task = {"port": port, "requests": requests, "fields": {}, "most": MOST} | task
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(task).encode(), check=True, capture_output=True)
    return json.loads(done.stdout)


def cells(arm: Arm, texts: list[str], seconds: float) -> dict[tuple[int, int], dict]:
    """Of each number of clients, and of texts a request, what came of it."""
    # A queue that holds all clients: a refusal is no answer.
    more = ("--max-queue", "4096", "--timeout", "120") if "serve" in arm.command else ()
    with running(arm, *more) as port:
        return {
            (clients, size): load(port, grouped(texts, size), clients=clients, seconds=seconds)
            for clients, size in CELLS
        }


def grouped(texts: list[str], size: int) -> list[list[str]]:
    """Requests of `size` texts each, none short."""
    return [texts[place : place + size] for place in range(0, len(texts) - size + 1, size)]


def overload(
    arm: Arm, export: Path, texts: list[str], rate: float, options: argparse.Namespace
) -> None:
    """Requests of one text at `rate` a second, every answer compared with the file's."""
    some = texts[:2000]
    classifier = EmotionClassifier.from_pretrained(export)
    rows = classifier.predict_proba(some).tolist()
    expected = [[dict(zip(classifier.labels.names, row, strict=True))] for row in rows]
    with running(arm) as port:
        found = load(
            port,
            grouped(some, 1),
            rate=rate,
            seconds=options.overload,
            fields={"probabilities": True},
            expected=expected,
            tolerance=TOLERANCE,
        )
    statuses = ", ".join(f"{count:,} × {status}" for status, count in found["statuses"].items())
    console.print(f"{rate:,.0f} requests/s for {options.overload:g} s: {statuses}")
    console.print(
        f"of those accepted p50 {found['p50']:,.0f} ms, p99 {found['p99']:,.0f} ms; "
        f"{found['texts_per_second']:,.0f} texts/s; answered wrongly: {found['wrong']}"
    )


def table(found: dict[str, dict[tuple[int, int], dict]], on_file: float) -> Table:
    made = Table(title="texts/s, its part of the file's, and milliseconds of a request")
    for column in (
        "clients",
        "texts",
        "server",
        "texts/s",
        "of file",
        "p50",
        "p95",
        "p99",
        "errors",
    ):
        made.add_column(column, justify="left" if column == "server" else "right")
    for clients, size in CELLS:
        for arm, results in found.items():
            one = results[clients, size]
            speed = one["texts_per_second"]
            made.add_row(
                str(clients), str(size), arm, f"{speed:,.0f}", f"{speed / on_file:.2f}",
                *(f"{one[p]:,.0f}" for p in ("p50", "p95", "p99")),
                str(sum(n for status, n in one["statuses"].items() if status != "200")),
            )  # fmt: skip
    return made


if __name__ == "__main__":
    main()
