"""Training losses by name."""

from typing import Annotated, Literal

from pydantic import Field

from emotion_slm.params.document import Section


class BceLoss(Section):
    """Binary cross-entropy per label."""

    name: Literal["bce"]


class FocalLoss(Section):
    """Focal loss; positives weigh alpha, negatives 1 − alpha, alpha by kind of label."""

    name: Literal["focal"]
    gamma: float = Field(ge=0)
    alpha_targets: float = Field(gt=0, lt=1)
    alpha_rest: float = Field(gt=0, lt=1)


class AsymmetricLoss(Section):
    """Asymmetric loss: separate focusing for positives and negatives, and a probability shift."""

    name: Literal["asymmetric"]
    gamma_positive: float = Field(ge=0)
    gamma_negative: float = Field(ge=0)
    clip: float = Field(ge=0, lt=1)


class ClassBalancedLoss(Section):
    """Binary cross-entropy, rare labels weighing more: by their effective number of rows.

    `beta` 0 weighs all labels alike; towards 1 the weight approaches the inverse of the count.
    """

    name: Literal["class_balanced"]
    beta: float = Field(ge=0, lt=1)


LossParams = Annotated[
    BceLoss | FocalLoss | AsymmetricLoss | ClassBalancedLoss, Field(discriminator="name")
]
