"""Workspaces in which the real pipeline runs on tiny random models, in seconds."""

from pathlib import Path

from ruamel.yaml import YAML

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.workbench import workspace


def create_tiny_workspace(
    folder: Path, encoder: BackboneParams, slm: BackboneParams | None = None
) -> None:
    """A workspace in which every profile runs on the sample corpus, for one epoch in one thread.

    `encoder` replaces MiniLM; `slm` replaces Mistral, and the published architecture's backbone.
    """
    workspace.create(Path(), folder, profile="sample")
    params = read_params(folder)
    params["threads"] = 1
    sample = params["profiles"]["sample"]
    for name, sections in params["profiles"].items():
        sections["fetch"] = dict(sample["fetch"])
        backbone = slm if name == "mistral" else encoder
        if backbone is not None:
            sections["encoder"].update(backbone.model_dump(), max_length=32)
            for need in ("gpu_memory_gib", "ram_gib"):  # of the model it replaces
                sections["encoder"].pop(need, None)
        sections["undersample"] = dict(sample["undersample"])
        sections["ismote"] = dict(sample["ismote"])
        sections["finetune"]["training"]["epochs"] = 1
        if sections["adapt"] != "none":
            sections["adapt"]["training"]["epochs"] = 1
        if sections["finetune"]["classifier"]["name"] == "one_position":
            sections["finetune"]["classifier"]["backbone"] = (slm or encoder).model_dump()
    write_params(folder, params)


def read_params(folder: Path) -> dict:
    return YAML(typ="safe").load(folder / "params.yaml")


def write_params(folder: Path, params: dict) -> None:
    YAML(typ="safe").dump(params, folder / "params.yaml")


def change(folder: Path, **values) -> None:
    """Set keys of params.yaml, written `a__b__c=value` for a.b.c; `-` is written `_` in names."""
    params = read_params(folder)
    for path, value in values.items():
        *parents, key = path.split("__")
        section = params
        for parent in parents:
            section = section[parent if parent in section else parent.replace("_", "-")]
        assert key in section, path
        section[key] = value
    write_params(folder, params)
