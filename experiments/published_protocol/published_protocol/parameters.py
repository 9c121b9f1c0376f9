"""params.yaml, each section checked by the model of the library that it is for."""

from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel
from ruamel.yaml import YAML

from emotion_slm.corpus.params import Ratios

PARAMS = Path("params.yaml")
ModelT = TypeVar("ModelT", bound=BaseModel)


class Protocol(NamedTuple):
    """Section `protocol`: of the rows with neutral one in `neutral_one_in` is kept; every label is
    grown to `target` rows."""

    ratios: Ratios
    neutral_one_in: int
    target: int
    k_neighbors: int


def read() -> dict:
    return YAML(typ="safe").load(PARAMS)


def section(name: str, model: type[ModelT]) -> ModelT:
    """Section `name`; pydantic's ValidationError on an unknown, missing or bad key."""
    return model.model_validate(read()[name])


def protocol() -> Protocol:
    content = read()["protocol"]
    return Protocol(**{**content, "ratios": Ratios.model_validate(content["ratios"])})
