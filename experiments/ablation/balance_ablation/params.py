"""params.yaml of the experiment, validated; the encoder comes from the pipeline's."""

from pathlib import Path

from pydantic import Field
from ruamel.yaml import YAML
from shrunken_thresholds import ShrunkenParams

from balance_ablation.places import PARAMS, PIPELINE_PARAMS
from emotion_slm.classifier.params import MlpHead
from emotion_slm.common.params import Document, Section
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.training.params import LossParams, TrainingParams


class BalancingParams(Section):
    neutral_only: int = Field(ge=0)
    target: int = Field(ge=1)
    k_neighbors: int = Field(ge=1)
    labelset_strategy: str


class HeadTrainingParams(Section):
    """`steps` of every arm, `validations` equally spaced among them; rates by vectors and head."""

    steps: int = Field(ge=1)
    validations: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rates: dict[str, dict[str, list[float]]]
    schedule: str
    warmup_ratio: float
    weight_decay: float


class CrossfitParams(Section):
    folds: int = Field(ge=2)
    epochs: int = Field(ge=1)
    seed: int = Field(ge=0)


class OnePositionParams(Section):
    """The published architecture: `profile` describes it; `steps` are its own."""

    profile: str
    steps: int = Field(ge=1)
    validations: int = Field(ge=1)
    seeds: list[int] = Field(min_length=1)


class BootstrapParams(Section):
    replicates: int = Field(ge=1)
    seed: int = Field(ge=0)


class Params(Section):
    profile: str
    threads: int = Field(ge=1)
    seeds: list[int] = Field(min_length=1)
    balancing: BalancingParams
    losses: list[LossParams] = Field(min_length=1)
    mlp: MlpHead
    training: HeadTrainingParams
    one_position: OnePositionParams
    adapt: AdaptParams
    crossfit: CrossfitParams
    thresholds: ShrunkenParams
    bootstrap: BootstrapParams


def read_params(path: Path = PARAMS) -> Params:
    return Params.model_validate(YAML(typ="safe", pure=True).load(path))


def pipeline_document(profile: str) -> Document:
    """The pipeline's params.yaml under `profile`."""
    return Document.read(PIPELINE_PARAMS).with_profile(profile)


def read_encoder(params: Params) -> EncoderParams:
    return pipeline_document(params.profile).section("encoder", EncoderParams)


def training_params(params: HeadTrainingParams, learning_rate: float) -> TrainingParams:
    """What the training loop is told: an epoch is what lies between two validations."""
    return TrainingParams(
        epochs=params.validations,
        batch_size=params.batch_size,
        learning_rate=learning_rate,
        schedule=params.schedule,
        warmup_ratio=params.warmup_ratio,
        weight_decay=params.weight_decay,
        precision="float32",
        selection="map",
    )
