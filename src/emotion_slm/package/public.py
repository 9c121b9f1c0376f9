"""A package as others may see it: no path of the machine that made it."""

import re
from typing import Any

from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.package.package import Package
from emotion_slm.package.provenance import Provenance

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
ELSEWHERE = re.compile(r"(/|~|\.\.?[/\\]|\\\\|[A-Za-z]:[/\\]|file:)")


def public(package: Package) -> Package:
    """The package with the name of the folder alone wherever it names a folder of this machine.

    A base model in a local folder is then looked for under this name, so that whoever has the
    folder too can put it where the model is loaded.
    """
    classifier = package.finetuned.classifier
    if isinstance(classifier, OnePositionSlm):
        backbone = classifier.backbone.model_copy(
            update={"id": public_name(classifier.backbone.id)}
        )
        classifier = classifier.model_copy(update={"backbone": backbone})
    return package._replace(
        encoder=package.encoder.model_copy(update={"id": public_name(package.encoder.id)}),
        finetuned=package.finetuned._replace(classifier=classifier),
        provenance=Provenance(*(without_paths(part) for part in package.provenance))._replace(
            base={public_name(name): found for name, found in package.provenance.base.items()}
        ),
    )


def public_name(model_id: str) -> str:
    """The name of a model on the hub as it is, of a local folder its last part."""
    return model_id if HUB_NAME.fullmatch(model_id) else _last(model_id)


def is_hub_name(model_id: str) -> bool:
    """Whether it can be the OWNER/NAME of a model on the hub."""
    return "/" in model_id and HUB_NAME.fullmatch(model_id) is not None


def without_paths(value: Any) -> Any:
    """A JSON value in which each text that is a path out of the workspace is its last part."""
    if isinstance(value, dict):
        return {without_paths(key): without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_paths(inner) for inner in value]
    return _last(value) if isinstance(value, str) and ELSEWHERE.match(value) else value


def _last(path: str) -> str:
    """The last part, in letters that mean nothing in a card; `local` where there is none."""
    return (
        re.sub(r"[^\w.-]+", "_", re.split(r"[/\\]", path.rstrip("/\\"))[-1]).strip(".") or "local"
    )
