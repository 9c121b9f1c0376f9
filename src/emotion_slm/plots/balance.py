"""The pictures of stage ismote: its rows beside real ones, and rows per label before and after."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emotion_slm.balance.purity import NEIGHBOURS, neighbour_purity, probes
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LABEL_INDEX, LABELS, to_matrix
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation.tables import SAMPLE_CAPTION
from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas, label_axis, legend_above

METHODS = {"smote": "SMOTE", "ismote": "ISMOTE"}
SYNTHETIC = {"s": 9, "color": BLUE, "alpha": 0.45, "linewidths": 0}
REAL = {"s": 24, "facecolors": "none", "edgecolors": "black", "linewidths": 0.9}
VALIDATION = {"s": 36, "marker": "^", "color": ORANGE, "edgecolors": "white", "linewidths": 0.6}
HOLLOW = {"facecolors": "white", "edgecolors": BLUE, "linewidths": 1.5}
TICK = {"marker": "|", "color": ORANGE, "linewidths": 2}


def scatter(
    clouds: Mapping[str, Mapping[str, np.ndarray]],
    purity: Mapping[str, Mapping[str, float]],
    path: Path,
    note: str = "",
) -> None:
    """Synthetic, real train and validation rows in two dimensions: labels down, methods across.

    `clouds`: label → kind → (m, d) rows, the kinds those of `emotion_slm.balance.purity` and
    "validation"; `purity`: `per_label` of `neighbour_purity`. A label's plane is spanned by the
    principal components of its real train rows: synthetic and validation rows have no say in it.
    """
    methods = [method for method in METHODS if any(method in kinds for kinds in clouds.values())]
    what = f"share of a row's {NEIGHBOURS} nearest validation rows that carry the label"
    lines = [note, f"purity: {what}"]
    if not clouds:
        lines.append("no label has rows enough to be drawn")
    elif not methods:
        lines.append("nothing was oversampled: real rows only")
    height = 1.2 + 3.2 * len(clouds)
    with canvas(path, height, "Rare labels in embedding space", _joined(lines)) as figure:
        if not clouds:
            return
        panels = figure.subplots(len(clouds), max(len(methods), 1), squeeze=False)
        for (label, kinds), row in zip(clouds.items(), panels, strict=True):
            plane = _plane(kinds["real"])
            points = {kind: plane.transform(rows) for kind, rows in kinds.items()}
            low, high = _limits(np.concatenate(list(points.values())))
            first, second = plane.explained_variance_ratio_
            for axes, method in zip(row, methods or [None], strict=True):
                _panel(axes, points, method)
                axes.set_title(_caption(label, points, method, purity[label]), fontsize=9)
                axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
                axes.set_xlabel(f"component 1 ({first:.0%} of real rows' variance)", fontsize=9)
                axes.grid()
            row[0].set_ylabel(f"component 2 ({second:.0%})", fontsize=9)
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names), markerscale=1.4)


def counts(per_label: Mapping[str, Mapping[str, int]], path: Path, note: str = "") -> None:
    """Train rows per label before and after oversampling, its target, and the rows above that.

    `per_label`: that of `metrics/balance.json`.
    """
    order = sorted(LABELS, key=lambda label: (per_label[label]["before"], label))
    table = [per_label[label] for label in order]
    before, after = (np.array([row[when] for row in table]) for when in ("before", "after"))
    grown = np.flatnonzero(after > before)
    targets = [(row["target"], place) for place, row in enumerate(table) if "target" in row]
    lines = [note, "" if len(grown) else "nothing was oversampled"]
    title = "Rows per label in train, before and after oversampling"
    with canvas(path, 7.5, title, _joined(lines)) as figure:
        axes = figure.subplots()
        start = np.maximum(before, 1)  # a log axis has no zero
        axes.hlines(grown, start[grown], after[grown], color=GREY, linewidth=2, zorder=1)
        axes.scatter(start, range(len(order)), 36, **HOLLOW, label="before")
        if len(grown):
            axes.scatter(after[grown], grown, 36, color=BLUE, label="after")
        if targets:
            axes.scatter(*zip(*targets, strict=True), 150, **TICK, label="target")
        for place, row in enumerate(table):
            _beside(axes, f"{row['before']:,}", start[place], place, -1)
        for place in grown:
            over = table[place].get("overshoot")
            text = f"{after[place]:,}" + (f" ({over:,} over target)" if over else "")
            _beside(axes, text, after[place], place, 1)
        label_axis(axes, order)
        axes.set_xscale("log")
        axes.set_xlim(start.min() / 2, after.max() * 5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows (log scale)")
        axes.grid(axis="x")
        legend_above(axes, 3)


def _plane(rows: np.ndarray):
    """The PCA of (m, d) `rows` to two dimensions."""
    from sklearn.decomposition import PCA

    return PCA(n_components=2, svd_solver="full").fit(rows)


def _limits(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _panel(axes, points: Mapping[str, np.ndarray], method: str | None) -> None:
    if method in points:
        axes.scatter(*points[method].T, **SYNTHETIC, label="synthetic")
    axes.scatter(*points["real"].T, **REAL, label="real, train")
    axes.scatter(*points["validation"].T, **VALIDATION, label="real, validation")


def _caption(label: str, points: Mapping, method: str | None, purity: Mapping[str, float]) -> str:
    rows = f"{len(points['real']):,} train, {len(points['validation']):,} validation"
    others = f"train {purity['real']:.3f}, chance {purity['chance']:.3f}"
    if method not in points:
        return f"{label}\n{rows} rows\npurity: {others}"
    return (
        f"{label}, {METHODS[method]}\n{len(points[method]):,} synthetic, {rows} rows\n"
        f"purity {purity[method]:.3f} ({others})"
    )


def _beside(axes, text: str, x: float, y: float, side: int) -> None:
    """Write `text` beside a point: left of it for side −1, right of it for side 1."""
    axes.annotate(
        text, (x, y), (8 * side, 0), textcoords="offset points", fontsize=9, va="center_baseline",
        ha="left" if side > 0 else "right",
    )  # fmt: skip


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line)


DRAWN = 3  # labels of the scatter, the rarest
MIN_ROWS = 10  # train and validation rows below which a label's cloud shows nothing


def gather(vectors: np.ndarray, rows, per_label: dict, seed: int, corpus: str) -> dict:
    """Draw `metrics/plots/ismote_{scatter,counts}.png`; return what `neighbour_purity` returns.

    `vectors` and `rows` as `probes` takes them; `per_label`: that of `metrics/balance.json`.
    """
    validation = read_parquet(paths.SPLIT / "validation.parquet", ("id", "labels"))
    unseen, gold = read_vectors(paths.EMBEDDED, validation["id"]), to_matrix(validation["labels"])
    by_label = probes(vectors, rows, child_seed(seed, "probes"))
    purity = neighbour_purity(by_label, unseen, gold)

    drawn = [
        label for label, kinds in by_label.items()
        if min(len(kinds["real"]), purity["per_label"][label]["validation_rows"]) >= MIN_ROWS
    ][:DRAWN]  # fmt: skip
    clouds = {
        label: {**by_label[label], "validation": unseen[gold[:, LABEL_INDEX[label]] == 1]}
        for label in drawn
    }
    note = SAMPLE_CAPTION if corpus == "sample" else ""
    scatter(clouds, purity["per_label"], paths.PLOTS / "ismote_scatter.png", note)
    counts(per_label, paths.PLOTS / "ismote_counts.png", note)
    return purity
