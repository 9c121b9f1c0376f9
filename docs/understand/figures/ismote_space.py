"""Draws docs/understand/figures/ismote_space.png: where SMOTE and ISMOTE put synthetic rows.

Run from the repository's root: `python docs/understand/figures/ismote_space.py`.
"""

from pathlib import Path

import numpy as np

from emotion_slm.balance.ismote import ISMOTE
from emotion_slm.plots.canvas import BLUE, GREY, ORANGE, canvas

PICTURE = Path(__file__).with_suffix(".png")
KINDS = {"none": ("SMOTE", BLUE), "segment": ("ISMOTE", ORANGE)}


def main() -> None:
    with canvas(PICTURE, 6.2, "Where synthetic rows lie", "") as figure:
        top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.05))
        positions(top.subplots())
        rows = elongated()
        for axes, expansion in zip(
            bottom.subplots(1, 2, sharex=True, sharey=True), KINDS, strict=True
        ):
            cloud(axes, rows, expansion)


def positions(axes) -> None:
    """Density of t, measured, and the line on which it is a position."""
    pair = np.array([[0.0], [1.0]])
    edges = np.linspace(-0.5, 1.5, 41)
    for expansion, (name, colour) in KINDS.items():
        made = synthetic(pair, expansion, 200_000)
        t = np.where(made["seed"] == 0, made["t"], 1 - made["t"])
        density, _ = np.histogram(t, edges, density=True)
        axes.stairs(density, edges, color=colour, linewidth=2, label=name)
        axes.stairs(density, edges, color=colour, alpha=0.12, fill=True)
    axes.plot([0, 1], [0, 0], "o", color="black", markersize=8, clip_on=False, zorder=5)
    axes.set_xticks([-0.5, 0, 0.5, 1, 1.5], ["−½", "seed\n0", "½", "neighbour\n1", "1½"])
    axes.set_xlim(-0.55, 1.55)
    axes.set_ylim(0, 1.3)
    axes.set_ylabel("density")
    axes.set_title("Position t on the line from the seed row to its neighbour")
    axes.legend(loc="upper right")


def cloud(axes, rows: np.ndarray, expansion: str) -> None:
    """A class and what is made of it, each with the ellipse of its covariance."""
    name, colour = KINDS[expansion]
    made = synthetic(rows, expansion, 1_500, k_neighbors=len(rows) - 1)
    z = rows[made["seed"]] + made["t"][:, np.newaxis] * (
        rows[made["neighbour"]] - rows[made["seed"]]
    )
    axes.scatter(*z.T, s=5, color=colour, alpha=0.35, linewidths=0)
    axes.scatter(*rows.T, s=16, color="black", zorder=3)
    ellipse(axes, rows, "black")
    ellipse(axes, z, colour)
    kept = np.trace(np.cov(z.T)) / np.trace(np.cov(rows.T, bias=True))
    axes.set_title(f"{name}: {kept:.0%} of the class's variance")
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlabel("black: the class, n rows, and 2 σ; k = n − 1", color=GREY)


def ellipse(axes, rows: np.ndarray, colour: str) -> None:
    """The points two standard deviations from the mean."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    points = rows.mean(axis=0) + circle @ np.linalg.cholesky(np.cov(rows.T)).T
    axes.plot(*points.T, color=colour, linewidth=1.5)


def synthetic(rows: np.ndarray, expansion: str, n_new: int, k_neighbors: int = 1) -> np.ndarray:
    """Provenance of `n_new` rows made from the class `rows`."""
    other = np.zeros((n_new + len(rows), rows.shape[1]))
    sampler = ISMOTE(expansion=expansion, k_neighbors=k_neighbors, random_state=0)
    sampler.fit_resample(np.vstack([rows, other]), np.arange(len(rows) + len(other)) < len(rows))
    return sampler.provenance_


def elongated(n: int = 40) -> np.ndarray:
    """(n, 2) points of an elongated class."""
    random = np.random.default_rng(7)
    return random.normal(size=(n, 2)) @ np.array([[2.0, 0.8], [0.0, 0.8]])


if __name__ == "__main__":
    main()
