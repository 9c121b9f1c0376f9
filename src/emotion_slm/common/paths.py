"""The map of a workspace: every file the pipeline reads or writes, relative to its root.

Stages run in the root of their workspace (DVC sees to it), so plain relative paths are enough.
"""

from pathlib import Path

PARAMS = Path("params.yaml")
CORPORA = Path("corpora")  # one description per corpus
RUN = Path("metrics/params.yaml")  # the settings of the run, as stage params wrote them

RAW = Path("data/raw")
SPLIT = Path("data/split")
UNDERSAMPLED = Path("data/undersampled")
EMBEDDED = Path("data/embedded")
BALANCED = Path("data/balanced")
PREDICTIONS = Path("data/predictions")

ADAPTED = Path("models/adapted")
FINETUNED = Path("models/finetuned")
CLASSIFIER = Path("models/classifier")

METRICS = Path("metrics")
PLOTS = Path("metrics/plots")
SCRATCH = Path(".scratch")

# The raw files keep GoEmotions' names; the split ones are named by their role here.
RAW_SPLITS = ("train", "dev", "test")
RAW_FILES = ("train.tsv", "dev.tsv", "test.tsv")
SPLITS = ("train", "validation", "test")


def project_root() -> Path:
    """The way to the nearest folder upwards that holds a dvc.yaml, such as `../..`.

    The working directory itself where none does.
    """
    here = Path.cwd()
    for up, folder in enumerate((here, *here.parents)):
        if (folder / "dvc.yaml").is_file():
            return Path(*[".."] * up)
    return Path()
