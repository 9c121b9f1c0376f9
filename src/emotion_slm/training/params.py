"""Parameters of a training, and of its loss: what `adapt` and `finetune` share."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Section


class TrainingParams(Section):
    """Optimisation, which epoch is kept, and where it runs.

    Required: `epochs`, `learning_rate`, `schedule`, `warmup_ratio` (share of all steps),
    `weight_decay` (of matrices; biases and norms have none), `precision`, `selection` (the
    validation metric that picks the epoch), `batch_size` (rows of a batch, all processes together).

    Optional, with what holds when they are left out:

    - `accumulation` (1): batches whose gradients make one step, each row weighing the same;
    - `optimizer` (adamw): or `adamw_8bit`, whose state takes a quarter of the memory;
    - `max_grad_norm` (1.0): longer gradients are scaled down to this length;
    - `patience` (none): stop after this many epochs without a better one;
    - `checkpoint_steps` (none): a checkpoint every so many steps besides the one of each epoch;
    - `launch` (none): an accelerate config file; the stage then runs under `accelerate launch`.
    """

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    accumulation: int = Field(default=1, ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "linear", "cosine"]
    warmup_ratio: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    max_grad_norm: float = Field(default=1.0, gt=0)
    precision: Literal["float32", "bfloat16"]
    selection: Literal["map", "macro_f1"]
    patience: int | None = Field(default=None, ge=1)
    checkpoint_steps: int | None = Field(default=None, ge=1)
    launch: str = "none"

    @property
    def launch_files(self) -> list[Path]:
        """The accelerate config that the stage runs under, if any."""
        return [] if self.launch == "none" else [Path(self.launch)]

    @model_validator(mode="after")
    def patience_within_the_epochs(self) -> "TrainingParams":
        if self.patience is not None and self.patience >= self.epochs:
            raise ValueError(
                f"`patience` {self.patience} can never stop a training of {self.epochs} epochs; "
                "lower it or leave it out"
            )
        return self


class BceLoss(Section):
    """Binary cross-entropy per label."""

    name: Literal["bce"]


class FocalLoss(Section):
    """Focal loss; positives weigh alpha, negatives 1 − alpha, alpha by kind of label.

    Left out, the values are those of the published recipe.
    """

    name: Literal["focal"]
    gamma: float = Field(default=2.0, ge=0)
    alpha_targets: float = Field(default=0.75, gt=0, lt=1)
    alpha_rest: float = Field(default=0.25, gt=0, lt=1)


class AsymmetricLoss(Section):
    """Asymmetric loss: separate focusing for positives and negatives, and a probability shift.

    Left out, the values are those Ridnik et al. 2021 trained with, but a negative gamma of 2.
    """

    name: Literal["asymmetric"]
    gamma_positive: float = Field(default=0.0, ge=0)
    gamma_negative: float = Field(default=2.0, ge=0)
    clip: float = Field(default=0.05, ge=0, lt=1)


class CrossEntropyLoss(Section):
    """Softmax cross-entropy, where each row carries exactly one label.

    `class_weights`: `balanced` gives every label the same weight in all, whatever its rows.
    `focusing` is focal loss's γ, `smoothing` the share of the target spread over all labels.
    """

    name: Literal["cross_entropy"]
    class_weights: Literal["none", "balanced"] = "none"
    focusing: float = Field(default=0.0, ge=0)
    smoothing: float = Field(default=0.0, ge=0, lt=1)


LOSSES = {
    "bce": BceLoss,
    "focal": FocalLoss,
    "asymmetric": AsymmetricLoss,
    "cross_entropy": CrossEntropyLoss,
}
SINGLE = ("cross_entropy",)  # losses of exactly one label a row; the others decide on each label


def complete_loss(content: Any) -> Any:
    """The keys of the loss named and no other's, those left out at their published values.

    So another `name` alone makes another loss: what the one before was given is passed over. A key
    that no loss has stays, to be refused.
    """
    if not isinstance(content, dict) or content.get("name") not in LOSSES:
        return content
    own = LOSSES[content["name"]].model_fields
    others = {key for loss in LOSSES.values() for key in loss.model_fields} - own.keys()
    given = {key: value for key, value in content.items() if key not in others}
    return {key: field.default for key, field in own.items() if key != "name"} | given


def check_loss(name: str, single: bool) -> None:
    """EmotionSlmError for a loss that does not fit how many labels a row carries."""
    fitting = [loss for loss in LOSSES if (loss in SINGLE) == single]
    if name not in fitting:
        task = "exactly one label a row" if single else "any number of labels a row"
        raise EmotionSlmError(
            f"{name} is no loss for a corpus of {task}; use {' or '.join(fitting)}, or correct "
            "`task` in the corpus's description"
        )


LossParams = Annotated[
    BceLoss | FocalLoss | AsymmetricLoss | CrossEntropyLoss,
    Field(discriminator="name"),
    BeforeValidator(complete_loss),
]
