"""Scoring speed on a CPU: `python -m benchmarks.scoring` prints the tables of README.md.

The packaged model against `transformers.pipeline` on the same weights, over comments of
GoEmotions' test rows (those of the sample corpus where `dvc repro split` has not made them).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.special import expit
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from benchmarks.comments import comments
from benchmarks.goemotions import GOEMOTIONS, LABELS, to_matrix
from benchmarks.turns import by_turns, ratios, spread
from emotion_slm.common import paths
from emotion_slm.common.threads import pin_threads
from emotion_slm.evaluation import metrics
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import affine
from emotion_slm.publish.onnx_export import export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier

WARM_UP = 64  # texts, not timed
BATCH = 32
ALONE, BATCHED = "transformers.pipeline", f"transformers.pipeline, batch_size={BATCH}"
TORCH, ONNX, INT8 = "emotion-slm, PyTorch", "emotion-slm, ONNX", "emotion-slm, ONNX int8"
console = Console(width=120)

Scorer = Callable[[list[str]], np.ndarray]  # texts → (n, 28) sigmoids, as transformers shows them


class Run(NamedTuple):
    texts_per_second: float
    sigmoids: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=10_000, help="comments of a run")
    parser.add_argument("--runs", type=int, default=3, help="turns of every arm")
    parser.add_argument("--single", type=int, default=1000, help="texts scored one by one")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the first table")
    parser.add_argument("--model", type=Path, default=paths.CLASSIFIER)
    options = parser.parse_args()
    pin_threads(options.threads)
    name, frame = comments("test")
    texts = frame["text"].tolist()
    with tempfile.TemporaryDirectory() as folder:
        models = exported(options.model, Path(folder))
        some = texts[: options.texts]
        threads = f"{options.threads} thread{'s' if options.threads > 1 else ''}"
        title = f"{len(some):,} comments of {name}; {options.runs} runs, {threads}"
        console.print(speed_table(measure(models, some, options.runs), title))
        console.print(quality_table(models, texts, to_matrix(frame["labels"]), name))
        pin_threads(1)
        console.print(latency_table(models, texts[: options.single]))


def exported(model: Path, folder: Path) -> dict[str, Path]:
    """The folder of each way to score with this library; the exports are written into `folder`."""
    package = read_package(model)
    return {
        TORCH: model,
        ONNX: export_onnx(package, folder / "float32", "float32").folder,
        INT8: export_onnx(package, folder / "int8", "int8").folder,
    }


def measure(models: dict[str, Path], texts: list[str], runs: int) -> dict[str, list[Run]]:
    """Every arm by turns, each run with a model loaded anew."""
    makers = scorers(models)
    return by_turns({name: partial(run, make, texts) for name, make in makers.items()}, runs)


def scorers(models: dict[str, Path]) -> dict[str, Callable[[], Scorer]]:
    """By arm a function that loads its model, the peers first."""
    peers = {ALONE: partial(peer, models[TORCH], 1), BATCHED: partial(peer, models[TORCH], BATCH)}
    return peers | {name: partial(own, folder) for name, folder in models.items()}


def peer(folder: Path, batch_size: int) -> Scorer:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)

    def score(texts: list[str]) -> np.ndarray:
        found = classify(texts, truncation=True, batch_size=batch_size)
        return np.array([by_label(entries) for entries in found])

    return score


def by_label(entries: list[dict]) -> list[float]:
    scores = {entry["label"]: entry["score"] for entry in entries}
    return [scores[label] for label in LABELS]


def own(folder: Path) -> Scorer:
    classifier = EmotionClassifier.from_pretrained(folder)
    # What transformers shows: as much of the calibration as its head can hold.
    slope, intercept = (part.numpy() for part in affine(classifier.calibration, len(LABELS)))
    return lambda texts: expit(classifier.logits(texts) * slope + intercept)


def run(make: Callable[[], Scorer], texts: list[str], turn: int) -> Run:
    score = make()
    score(texts[:WARM_UP])
    started = time.perf_counter()
    sigmoids = score(texts)
    return Run(len(texts) / (time.perf_counter() - started), sigmoids)


def speed_table(results: dict[str, list[Run]], title: str) -> Table:
    """Speed of every arm, how many times as fast as either peer, and how far its sigmoids lie from
    those of the first."""
    made = Table(title=title)
    columns = ("arm", "texts/s", "min–max", "× one by one", "min–max", "× batched", "most |Δσ|")
    for column in columns:
        made.add_column(column, justify="left" if column == "arm" else "right")
    speeds = {name: [one.texts_per_second for one in runs] for name, runs in results.items()}
    reference = results[ALONE][0].sigmoids
    for name, runs in results.items():
        difference = max(np.abs(one.sigmoids - reference).max() for one in runs)
        made.add_row(
            name,
            *spread(speeds[name], 0),
            *spread(ratios(speeds[name], speeds[ALONE]), 2),
            spread(ratios(speeds[name], speeds[BATCHED]), 2)[0],
            f"{difference:.1e}",
        )
    return made


def quality_table(
    models: dict[str, Path], texts: list[str], gold: np.ndarray, corpus_name: str
) -> Table:
    """Test scores at the package's thresholds, of every precision; texts that get other labels than
    by the first arm, and texts that get none."""
    made = Table(title=f"{len(texts):,} rows of {corpus_name}, thresholds of the package")
    shown = ("macro_f1", "micro_f1", "map", "ece")
    for column in ("arm", *shown, "other labels", "no label"):
        made.add_column(column, justify="left" if column == "arm" else "right")
    first = None
    for name, folder in models.items():
        classifier = EmotionClassifier.from_pretrained(folder)
        logits = classifier.logits(texts)
        probabilities = classifier.calibration.apply(logits)
        scores = metrics.overall(
            gold, probabilities, classifier.thresholds, GOEMOTIONS.target_columns, logits
        )
        given = metrics.predictions(probabilities, classifier.thresholds)
        first = given if first is None else first
        shares = (np.any(given != first, axis=1).mean(), (given.sum(axis=1) == 0).mean())
        made.add_row(
            name,
            *(f"{scores[metric]:.4f}" for metric in shown),
            *(f"{share:.1%}" for share in shares),
        )
    return made


def latency_table(models: dict[str, Path], texts: list[str]) -> Table:
    """Milliseconds from a text to its scores, one text at a time."""
    made = Table(
        title=f"{len(texts):,} texts one at a time, {torch.get_num_threads()} thread: milliseconds"
    )
    for column in ("arm", "p50", "p95"):
        made.add_column(column, justify="left" if column == "arm" else "right")
    makers = scorers(models)
    for name in (ALONE, *models):
        p50, p95 = np.percentile(latencies(makers[name](), texts), [50, 95])
        made.add_row(name, f"{p50:.1f}", f"{p95:.1f}")
    return made


def latencies(score: Scorer, texts: list[str]) -> list[float]:
    """Milliseconds of every text, after some to warm up."""
    for text in texts[:WARM_UP]:
        score([text])
    taken = []
    for text in texts:
        started = time.perf_counter()
        score([text])
        taken.append(1000 * (time.perf_counter() - started))
    return taken


if __name__ == "__main__":
    main()
