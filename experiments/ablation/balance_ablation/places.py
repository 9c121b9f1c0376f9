"""What the stages read from the pipeline and write for one another, from this folder."""

from pathlib import Path

from emotion_slm.common import paths

ROOT = Path("../..")
PIPELINE_PARAMS = ROOT / paths.PARAMS
SPLIT = ROOT / paths.SPLIT
ADAPTED_MODEL = ROOT / paths.ADAPTED
ADAPTED_VECTORS = ROOT / paths.EMBEDDED

PARAMS = Path("params.yaml")
FROZEN_VECTORS = Path("cache/frozen")
CROSSFIT = Path("cache/crossfit")
FOLDS = CROSSFIT / "folds.parquet"
LOGITS = Path("cache/logits")
PREDICTIONS = Path("cache/predictions")

RATES = Path("rates.json")
RESULTS, DIFFERENCES, CONTRASTS = "results.csv", "differences.csv", "contrasts.csv"


def results_folder(experiment: str) -> Path:
    """Where the results of an experiment of names.EXPERIMENTS are kept."""
    return Path() if experiment == "ablation" else Path(experiment)
