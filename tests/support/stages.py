"""The pipeline's stages one after another in this process, which saves the imports of each."""

import importlib
import shutil
from pathlib import Path

import pytest

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.errors import EmotionSlmError
from support.labels import ROOT
from support.tiny import read_params, write_params

STAGES = (
    "params", "fetch", "split", "adapt", "embed", "undersample", "ismote", "finetune",
    "baselines", "evaluate",
)  # fmt: skip


def create_workspace(folder: Path) -> None:
    """A folder with the project's parameters and pipeline, without code and without DVC."""
    (folder / "corpora").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder)


def make_tiny(folder: Path, profile: str, encoder: BackboneParams) -> None:
    """Choose `profile`, with `encoder` in place of its own, for one epoch in one thread."""
    params = read_params(folder)
    params.update(profile=profile, threads=1)
    sections = params["profiles"][profile]
    sections["encoder"].update(encoder.model_dump(), max_length=32)
    for stage in ("adapt", "finetune"):
        sections[stage]["training"]["epochs"] = 1
    write_params(folder, params)


def run(folder: Path, *stages: str) -> None:
    """All stages, or those named; EmotionSlmError when one stops, whose reason is on stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in stages or STAGES:
            try:
                importlib.import_module(f"stages.{name}").main()
            except SystemExit:
                raise EmotionSlmError(f"stage {name} stopped") from None
