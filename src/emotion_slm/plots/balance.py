"""The picture of stage ismote: its rows beside real ones, in the plane of the real ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emotion_slm.balance.purity import NEIGHBOURS
from emotion_slm.common import paths
from emotion_slm.corpus.labels import Corpus
from emotion_slm.plots.canvas import BLUE, ORANGE, canvas

DRAWN = 3  # labels, the rarest
MIN_ROWS = 10  # train and validation rows below which a label's cloud shows nothing
METHODS = {"smote": "SMOTE", "ismote": "ISMOTE"}
SYNTHETIC = {"s": 9, "color": BLUE, "alpha": 0.45, "linewidths": 0}
REAL = {"s": 24, "facecolors": "none", "edgecolors": "black", "linewidths": 0.9}
VALIDATION = {"s": 36, "marker": "^", "color": ORANGE, "edgecolors": "white", "linewidths": 0.6}


def draw(
    probes: Mapping[str, Mapping[str, np.ndarray]],
    validation: np.ndarray,
    gold: np.ndarray,
    purity: Sequence[Mapping],
    corpus: Corpus,
) -> None:
    """Write metrics/plots/ismote_scatter.png: the rarest labels that have rows enough.

    `probes`: label → kind → (m, d) rows, as `balance.purity.probes` gives them; `validation`: (v,
    d) vectors, `gold`: (v, labels); `purity`: the rows of metrics/plots/purity.csv.
    """
    shares = {row["label"]: row for row in purity}
    clouds = {}
    for label, kinds in probes.items():
        unseen = validation[gold[:, corpus.labels.index[label]] == 1]
        if len(clouds) < DRAWN and min(len(kinds["real"]), len(unseen)) >= MIN_ROWS:
            clouds[label] = {**kinds, "validation": unseen}
    scatter(clouds, shares, paths.PLOTS / "ismote_scatter.png", corpus.caption)


def scatter(
    clouds: Mapping[str, Mapping[str, np.ndarray]],
    purity: Mapping[str, Mapping[str, float]],
    path: Path,
    note: str = "",
) -> None:
    """Synthetic, real train and validation rows in two dimensions: labels down, methods across.

    `clouds`: label → kind → (m, d) rows, the kinds those of `draw` and "validation"; `purity`:
    label → method → share. A label's plane is spanned by the principal components of its real train
    rows: synthetic and validation rows have no say in it.
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


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line)
