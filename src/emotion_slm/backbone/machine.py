"""Whether this machine can run a model: asked before anything is downloaded."""

import importlib.util
import os
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import ValidationError

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.common.paths import PARAMS

GIB = 2**30
# A card or a machine reports up to a tenth less than it is sold as: 44.5 GiB of an L40S's 48.
USABLE = 0.9
OPTIONAL_PACKAGES = ("unsloth", "bitsandbytes")


class Machine(NamedTuple):
    """What a machine has: memory in GiB, of each CUDA GPU and of the host, and installed extras."""

    gpus: tuple[float, ...]
    ram: float
    packages: frozenset[str]


def probe() -> Machine:
    """This machine."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(
        gpus=tuple(torch.cuda.get_device_properties(i).total_memory / GIB for i in range(count)),
        ram=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB,
        packages=frozenset(name for name in OPTIONAL_PACKAGES if importlib.util.find_spec(name)),
    )


def preflight(params: BackboneParams) -> None:
    """EmotionSlmError when this machine cannot run the model: what it needs, what was found, and
    which profiles of params.yaml fit."""
    machine = probe()
    lacking = shortcomings(params, machine)
    if lacking:
        raise EmotionSlmError(
            f"{params.id} cannot run on this machine: {'; '.join(lacking)}. {_advice(machine)}"
        )


def shortcomings(params: BackboneParams, machine: Machine) -> list[str]:
    """What `params` needs and `machine` lacks, one phrase each; empty when it fits."""
    found = []
    # Unsloth trains on one GPU; transformers can shard a model over all of them.
    gpu = max(machine.gpus, default=0.0) if params.loader == "unsloth" else sum(machine.gpus)
    if params.gpu_memory_gib and gpu < USABLE * params.gpu_memory_gib:
        found.append(
            f"it needs a CUDA GPU of {params.gpu_memory_gib:g} GiB, {_found_gpus(machine)}"
        )
    elif params.loader == "unsloth" and not machine.gpus:
        found.append(f"loader unsloth needs a CUDA GPU, {_found_gpus(machine)}")
    if params.ram_gib and machine.ram < USABLE * params.ram_gib:
        found.append(f"it needs {params.ram_gib:g} GiB of RAM, found {machine.ram:.1f} GiB")
    needed = {"unsloth": params.loader == "unsloth", "bitsandbytes": params.four_bit}
    for package in OPTIONAL_PACKAGES:
        if needed[package] and package not in machine.packages:
            found.append(
                f'it needs the package {package}, which is not installed: pip install -e ".[gpu]"'
            )
    return found


def fitting_profiles(document: Document, machine: Machine) -> list[str]:
    """Profiles of params.yaml whose models `machine` can run, in the order of the file."""
    return [name for name, sections in document.profiles.items() if _fits(sections, machine)]


def _fits(sections: dict, machine: Machine) -> bool:
    try:
        return not any(shortcomings(params, machine) for params in _backbones(sections))
    except ValidationError:  # of a profile that nobody has chosen: not the problem at hand
        return False


def _backbones(content: object) -> Iterator[BackboneParams]:
    """Every model named anywhere in a profile."""
    if isinstance(content, dict):
        if "loader" in content:
            known = {key: content[key] for key in BackboneParams.model_fields if key in content}
            yield BackboneParams.model_validate(known)
        for value in content.values():
            yield from _backbones(value)


def _found_gpus(machine: Machine) -> str:
    if not machine.gpus:
        return "found none"
    return f"found {', '.join(f'{memory:.1f} GiB' for memory in machine.gpus)}"


def _advice(machine: Machine) -> str:
    """Which profiles fit; used outside a workspace, the library has none to name."""
    if not PARAMS.exists():
        return "Choose a smaller model or another machine"
    names = ", ".join(f"`{name}`" for name in fitting_profiles(Document.read(), machine))
    if not names:
        return f"No profile of {PARAMS} fits this machine"
    return f"Profiles of {PARAMS} that fit this machine: {names}"
