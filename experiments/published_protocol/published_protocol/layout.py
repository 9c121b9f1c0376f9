"""The arms' names, and the files that stages leave for each other."""

from pathlib import Path

LEAKED, HONEST = ARMS = ("leaked", "honest")

CURVES = Path("curves.csv")
AUDIT = Path("audit.json")
RESULTS = Path("results.json")
PER_LABEL = Path("per_label.csv")
TABLE = Path("table.md")
FIGURE = Path("leak.png")


def workspace(arm: str, seed: int) -> Path:
    """The pipeline's files of one arm and seed, under the pipeline's names."""
    return Path("workspaces") / f"{arm}-{seed}"


def predictions(arm: str, seed: int, split: str) -> Path:
    """(n, 28) float64 probabilities, rows as in the workspace's file of that split."""
    return Path("predictions") / f"{arm}-{seed}" / f"{split}.npy"
