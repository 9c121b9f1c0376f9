"""Shares of labels estimated on real texts with known shares: `python -m benchmarks.shares`.

Periods are drawn from GoEmotions' test rows, so that a label is ×0.2 to ×5 as frequent as in
training. Scores of test rows are those of data/predictions; nothing is chosen on them: the method
was developed on halves of validation.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import softmax

from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation import predictions
from emotion_slm.monitor.alerts import find
from emotion_slm.monitor.assumption import DOUBTFUL, fits
from emotion_slm.monitor.bands import Responses, band, cluster_band, responses
from emotion_slm.monitor.classes import class_shares
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.settings import Settings
from emotion_slm.monitor.shares import corrected_shares, mean_errors
from emotion_slm.monitor.swings import Group
from emotion_slm.package.contents import read_calibration, read_scores, read_thresholds
from emotion_slm.package.package import read_package
from emotion_slm.package.scores import ScoreHistograms, bins_of, histogram

FACTORS, SIZES = (0.2, 0.5, 1, 2, 5), (500, 2000, 10_000)
RARE = 0.01  # of training
MOST_SHARE = 0.9
CLASSES, APART = (2, 3, 4, 6, 8), 1.5
WEEKS, GAP = 60, 5
# Texts a week, by how much shares swing, in what chance does, and periods of the reference.
WATCHED = (
    (200, 0, 8), (1000, 0, 8), (500, 1, 8), (500, 2, 8), (500, 1, 26), (500, 2, 26),
)  # fmt: skip
# Authors of so many texts each; shares of authors lie as 1 + MOOD labelled texts' would.
AUTHORS, WRITTEN, MOOD = (5, 10, 20, 40), 30, 10
QUAPY = """
import json, sys
import numpy as np
from quapy.method.aggregative import EMQ
EMQ.MAX_ITER = 1_000_000
found = []
for case in json.load(open(sys.argv[1])):
    share, _ = EMQ.EM(np.array(case["prior"]), np.array(case["p"]), epsilon=1e-13)
    found.append(share.tolist())
print(json.dumps(found))
"""
console = Console(width=120)


class Rows(NamedTuple):
    """Test rows: (n, labels) probabilities and gold; and what the package says."""

    probabilities: np.ndarray
    gold: np.ndarray
    labels: LabelSet
    thresholds: np.ndarray
    histograms: ScoreHistograms


class Draw(NamedTuple):
    """One period: errors of the three estimates relative to the share, whether bands cover it, with
    texts as independent and by clusters, the band's width relative to the share, and whether the
    mixture fits."""

    counted: float
    mean: float
    corrected: float
    covered: bool
    covered_clustered: bool
    width: float
    fits: bool


def read_rows(model: Path) -> Rows:
    package = read_package(model)
    labels = package.corpus.labels
    frame = read_parquet(paths.SPLIT / "test.parquet", ("id", "labels"))
    logits = predictions.read(predictions.path_of("test"), frame["id"].tolist(), labels)
    histograms = read_scores(package)
    assert histograms is not None, f"{model}: a package of an older format"
    return Rows(
        read_calibration(package).apply(logits),
        labels.to_matrix(frame["labels"]) > 0,
        labels,
        read_thresholds(package).per_label,
        histograms,
    )


def drawn(
    rows: Rows, label: int, share: float, size: int, rng: np.random.Generator, other: bool
) -> np.ndarray:
    """Places of the rows of a period; `other`: half of those without the label are of its own
    Ekman group, which training's are not."""
    gold = rows.gold[:, label]
    positives, negatives = np.flatnonzero(gold), np.flatnonzero(~gold)
    count = rng.binomial(size, share)
    rest = rng.choice(negatives, size - count)
    if other:
        rest[: len(rest) // 2] = rng.choice(akin(rows, label), len(rest) // 2)
    return np.concatenate([rng.choice(positives, count), rest])


def akin(rows: Rows, label: int) -> np.ndarray:
    """Rows without the label that carry another of its Ekman group; all without it if none do."""
    name = rows.labels.names[label]
    groups = rows.labels.grouped("ekman").values()
    group = next((group for group in groups if name in group), ())
    columns = [rows.labels.index[other] for other in group if other != name]
    held = ~rows.gold[:, label] & rows.gold[:, columns].any(axis=1)
    return np.flatnonzero(held if held.any() else ~rows.gold[:, label])


def measure(
    rows: Rows,
    known: Responses,
    label: int,
    factor: float,
    size: int,
    rng: np.random.Generator,
    other: bool = False,
) -> Draw:
    """One period, estimated."""
    histograms = rows.histograms.of(label)
    truth = min(histograms.train_share[0] * factor, MOST_SHARE)
    chosen = drawn(rows, label, truth, size, rng, other)
    p = rows.probabilities[chosen][:, [label]]
    bins, curve = bins_of(p), known.of(label)
    counts = histogram(bins)
    share = corrected_shares(p, histograms.train_share)
    low, high = band(counts, curve, rng)
    alone, error = mean_errors(p, None), mean_errors(p, chosen)
    design = (np.maximum(error, alone) / alone) ** 2
    wide_low, wide_high = cluster_band(bins, chosen, curve, rng, design)
    return Draw(
        float((p >= rows.thresholds[label]).mean() / truth - 1),
        float(p.mean() / truth - 1),
        float(share[0] / truth - 1),
        bool(low[0] <= truth <= high[0]),
        bool(wide_low[0] <= truth <= wide_high[0]),
        float((high[0] - low[0]) / truth),
        bool(fits(counts, share, histograms)[0] >= DOUBTFUL),
    )


def shifts(rows: Rows, known: Responses, repeats: int, rng: np.random.Generator) -> None:
    """Error and coverage by size, shift and frequency of the label."""
    table = Table("texts", "shift", "labels", "counted", "mean", "corrected", "covered",
                  "by clusters", "width", title="RMSE and width relative to the share")  # fmt: skip
    for size in SIZES:
        for factor in FACTORS:
            for rare, columns in by_frequency(rows):
                found = [measure(rows, known, label, factor, size, rng)
                         for label in columns for _ in range(repeats)]  # fmt: skip
                table.add_row(str(size), f"×{factor}", rare, *summary(found))
    console.print(table)


def changed_texts(rows: Rows, known: Responses, repeats: int, rng: np.random.Generator) -> None:
    """The same where the assumption fails, and how often the page says so."""
    table = Table("texts", "half of the others are of its Ekman group", "counted", "mean",
                  "corrected", "covered", "flagged")  # fmt: skip
    labels = [label for _, columns in by_frequency(rows) for label in columns]
    for size in SIZES:
        for other in (False, True):
            found = [measure(rows, known, label, 1, size, rng, other)
                     for label in labels for _ in range(repeats)]  # fmt: skip
            flagged = 1 - np.mean([one.fits for one in found])
            table.add_row(str(size), "yes" if other else "no", *summary(found)[:4],
                          f"{flagged:.2f}")  # fmt: skip
    console.print(table)


def by_frequency(rows: Rows) -> Iterator[tuple[str, list[int]]]:
    shares = rows.histograms.train_share
    yield "rare", np.flatnonzero(shares < RARE).tolist()
    yield "others", np.flatnonzero(shares >= RARE).tolist()


def summary(found: list[Draw]) -> list[str]:
    columns = np.array(found, dtype=np.float64)
    rmse = np.sqrt((columns[:, :3] ** 2).mean(axis=0))
    covered = columns[:, 3:5].mean(axis=0)
    return [*(f"{value:.2f}" for value in rmse), *(f"{value:.3f}" for value in covered),
            f"{np.median(columns[:, 5]):.2f}"]  # fmt: skip


def false_alerts(rows: Rows, series: int, rng: np.random.Generator) -> None:
    """Alerts where nothing changed but for the swing of shares, and how many of the changes of a
    label by GAP standard deviations are found: series of 60 weeks, rows drawn as they come."""
    table = Table("texts a week", "swing", "reference", "label-weeks", "alerts", "per 1,000",
                  "weeks with an alert", "changes found")  # fmt: skip
    for size, swing, reference in WATCHED:
        settings = Settings(time="t", every=Every.WEEK, reference=reference)
        alerts, alerted, changes, tested = 0, 0, 0, 0
        for _ in range(series):
            group = swinging(rows, size, swing, rng)
            found = find([group], settings)
            alerts += len(found)
            alerted += len({one.period for one in found})
            tested += WEEKS - 3
            changed, label = group.means.copy(), rng.integers(len(rows.labels))
            changed[-1, label] += GAP * np.hypot(1, swing) * group.errors[-1, label]
            found = find([group._replace(means=changed)], settings)
            changes += (WEEKS - 1, label) in {(one.period, one.label) for one in found}
        cells = tested * len(rows.labels)
        table.add_row(str(size), f"×{swing}", str(reference), f"{cells:,}", str(alerts),
                      f"{1000 * alerts / cells:.2f}", f"{alerted / tested:.3f}",
                      f"{changes / series:.2f}")  # fmt: skip
    console.print(table)


def swinging(rows: Rows, size: int, swing: float, rng: np.random.Generator) -> Group:
    """WEEKS weeks of so many texts, whose mean probabilities swing by `swing` times what chance
    does."""
    parts = [rows.probabilities[rng.choice(len(rows.gold), size)] for _ in range(WEEKS)]
    errors = np.array([mean_errors(part, None) for part in parts])
    means = np.array([part.mean(axis=0) for part in parts])
    return Group(
        [datetime(2026, 1, 5) + timedelta(weeks=week) for week in range(WEEKS)],
        np.full(WEEKS, size),
        np.full(WEEKS, np.inf),
        np.clip(means + swing * errors * rng.standard_normal(means.shape), 0, 1),
        errors,
        np.array([((part - part.mean(axis=0)) ** 3).mean(axis=0) for part in parts]),
    )


def few_clusters(rows: Rows, known: Responses, repeats: int, rng: np.random.Generator) -> None:
    """Coverage of bands where few authors write all texts, each of a mood of its own."""
    table = Table("authors", "texts", "by clusters", "as independent")
    columns = np.flatnonzero(rows.histograms.train_share >= RARE).tolist()
    for authors in AUTHORS:
        held = []
        for label in columns:
            for _ in range(repeats):
                held.append(authored(rows, known, label, authors, rng))
        by_cluster, alone = np.mean(held, axis=0)
        table.add_row(str(authors), str(authors * WRITTEN), f"{by_cluster:.3f}", f"{alone:.3f}")
    console.print(table)


def authored(
    rows: Rows, known: Responses, label: int, authors: int, rng: np.random.Generator
) -> tuple[bool, bool]:
    """Whether both bands hold the share: each author's own share is a beta variate around it."""
    histograms = rows.histograms.of(label)
    truth = float(histograms.train_share[0])
    moods = rng.beta(truth * MOOD, (1 - truth) * MOOD, size=authors)
    chosen = np.concatenate([drawn(rows, label, mood, WRITTEN, rng, False) for mood in moods])
    p, clusters = rows.probabilities[chosen][:, [label]], np.repeat(np.arange(authors), WRITTEN)
    bins, curve = bins_of(p), known.of(label)
    alone, error = mean_errors(p, None), mean_errors(p, clusters)
    design = (np.maximum(error, alone) / alone) ** 2
    ends = cluster_band(bins, clusters, curve, rng, design), band(histogram(bins), curve, rng)
    (first, second) = (bool(low[0] <= truth <= high[0]) for low, high in ends)
    return first, second


def against_quapy(rows: Rows, python: Path, rng: np.random.Generator) -> None:
    """The largest difference from QuaPy's EMQ, over all labels and shifts, each label for itself,
    and over made-up classes, all of them jointly."""
    cases, ours = [], []
    for label in range(len(rows.labels)):
        for factor in FACTORS:
            prior = float(rows.histograms.train_share[label])
            chosen = drawn(rows, label, min(prior * factor, MOST_SHARE), 2000, rng, False)
            p = rows.probabilities[chosen, label]
            cases.append((np.stack([1 - p, p], axis=1), [1 - prior, prior]))
            share = float(corrected_shares(p[:, None], np.array([prior]))[0])
            ours.append([1 - share, share])
    labels = len(cases)
    for classes in np.repeat(CLASSES, 5):
        p, prior = shifted_classes(int(classes), rng)
        cases.append((p, prior.tolist()))
        ours.append(class_shares(p / prior).tolist())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        path.write_text(json.dumps([{"p": p.tolist(), "prior": prior} for p, prior in cases]))
        command = [str(python), "-W", "ignore", "-c", QUAPY, str(path)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    theirs = json.loads(answer.splitlines()[-1])
    gaps = [np.abs(np.subtract(*pair)).max() for pair in zip(ours, theirs, strict=True)]
    console.print(f"QuaPy: {labels} labels' shares, largest difference {max(gaps[:labels]):.1e}; "
                  f"{len(gaps) - labels} sets of classes {max(gaps[labels:]):.1e}")  # fmt: skip


def shifted_classes(classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(2000, classes) probabilities that are calibrated under the prior returned, of texts of other
    shares."""
    prior, share = rng.dirichlet(np.full(classes, 2)), rng.dirichlet(np.ones(classes))
    gold = rng.choice(classes, 2000, p=share)
    seen = rng.standard_normal((2000, classes)) + APART * np.eye(classes)[gold]
    return softmax(APART * seen + np.log(prior), axis=1), prior


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=paths.CLASSIFIER)
    parser.add_argument("--repeats", type=int, default=10, help="periods per label and shift")
    parser.add_argument("--series", type=int, default=20, help="years without a change")
    parser.add_argument("--quapy", type=Path, help="Python of an environment with quapy.txt")
    options = parser.parse_args()
    rows, rng = read_rows(options.model), np.random.default_rng(25)
    known = responses(rows.histograms, rng)
    if options.quapy:
        against_quapy(rows, options.quapy, rng)
    false_alerts(rows, options.series, rng)
    few_clusters(rows, known, options.repeats, rng)
    changed_texts(rows, known, options.repeats, rng)
    shifts(rows, known, options.repeats, rng)


if __name__ == "__main__":
    main()
